"""All of what watches budgets: the forecast, the check of each card, and the webhook."""

import asyncio
from collections.abc import Iterable

from clawtrace_otel.collector.budgets.checker import Budgets
from clawtrace_otel.collector.budgets.forecast import Forecast
from clawtrace_otel.collector.budgets.notice import Budget
from clawtrace_otel.collector.budgets.store import BudgetStore
from clawtrace_otel.collector.budgets.webhook import Poster, Webhook
from clawtrace_otel.collector.card_writer import CardWritten
from clawtrace_otel.collector.journal.interface import Journal
from clawtrace_otel.collector.telemetry.metrics import ServiceMetrics
from clawtrace_otel.errors import ConfigError
from clawtrace_otel.exporters.card_folder import CardFolder
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.settings import Settings

GRACE_SECONDS = 5.0
"""For what is still to be posted when the service stops."""


class BudgetWatch:
    """Watches the budgets of the settings; does nothing if there are none.

    Args:
        settings: the budgets.
        webhook: gets the notices, if there is one.
        journal: remembers what was told.
        folder: has the cards.
        pricer: prices calls.
        metrics: count what was crossed.

    Raises:
        JournalError: the journal cannot be written.
    """

    def __init__(
        self,
        settings: Settings,
        webhook: Webhook | None,
        journal: Journal,
        folder: CardFolder,
        pricer: Pricer,
        metrics: ServiceMetrics,
    ) -> None:
        budgets = budgets_of(settings)
        self._forecast = Forecast(budgets, pricer) if budgets else None
        self._budgets: Budgets | None = None
        self._poster: Poster | None = None
        if self._forecast:
            store = BudgetStore(journal)
            self._poster = Poster(store, webhook, metrics) if webhook else None
            on_notice = self._poster.tell if self._poster else None
            on_cost = self._forecast.exact
            self._budgets = Budgets(budgets, store, folder, metrics, on_cost, on_notice)

    def start(self) -> None:
        """Start. To be called on the event loop, before the first card is written."""
        if self._poster:
            self._poster.start()
        if self._budgets:
            self._budgets.start()

    async def stop(self) -> None:
        """Look at all cards that were written, and post what is to be posted, within its time."""
        if self._budgets:
            await asyncio.to_thread(self._budgets.stop)
        if self._poster:
            await self._poster.stop(GRACE_SECONDS)

    def step_came(self, step: Step) -> None:
        """A step came in."""
        if self._forecast:
            self._forecast.add(step)

    def to_hurry(self, names: Iterable[str]) -> list[str]:
        """Of the cards that just got news, those that are to be written early."""
        return self._forecast.to_hurry(names) if self._forecast else []

    def card_written(self, written: CardWritten) -> None:
        """A card was written, and is in the journal."""
        if self._budgets:
            self._budgets.card_written(written)


def budgets_of(settings: Settings) -> list[Budget]:
    """The budgets that are set."""
    trace, session = settings.budget_usd, settings.session_budget_usd
    found = [Budget.of_usd("trace", trace)] if trace else []
    return found + ([Budget.of_usd("session", session)] if session else [])


def webhook_of(settings: Settings) -> Webhook | None:
    """The webhook that is set.

    Raises:
        ConfigError: it is wrong, or would never be used.
    """
    if settings.budget_webhook:
        if not budgets_of(settings):
            msg = "budget_webhook is set, but neither budget_usd nor session_budget_usd is"
            raise ConfigError(msg)
        return Webhook(settings.budget_webhook, settings.budget_webhook_headers)
    if settings.budget_webhook_headers:
        msg = "budget_webhook_headers is set, but budget_webhook is not"
        raise ConfigError(msg)
    return None
