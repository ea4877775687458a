"""An agent of Harbor, ``-a scripted:Scripted``: puts ``program.py`` into a task and runs it there.

Harbor imports it in its own Python; what it writes is checked by Harbor's own model of ATIF.
"""

import json
import shlex
from pathlib import Path
from typing import override

from harbor.agents.capabilities import AgentCapabilities
from harbor.agents.installed.base import BaseInstalledAgent
from harbor.environments.base import BaseEnvironment
from harbor.models.agent.context import AgentContext
from harbor.models.trajectories import Agent, FinalMetrics, Step, Trajectory

PROGRAM = Path(__file__).with_name("program.py")
TARGET = "/installed-agent/program.py"
SKILLS = "/root/.agents/skills"
LOG = "steps.json"


class Scripted(BaseInstalledAgent):
    """Asks the model at ``OPENAI_BASE_URL`` of its environment."""

    capabilities = AgentCapabilities(atif=True, skills=True)

    @staticmethod
    @override
    def name() -> str:
        return "scripted"

    @override
    def version(self) -> str:
        return "1.0"

    @override
    async def install(self, environment: BaseEnvironment) -> None:
        await environment.upload_file(PROGRAM, TARGET)

    @override
    async def run(
        self, instruction: str, environment: BaseEnvironment, context: AgentContext
    ) -> None:
        told = {"AGENT_LOG": f"{self.environment_logs_dir}/{LOG}"}
        told["AGENT_SESSION"] = str(self.context_id)
        if self.skills_dir:
            copied = (
                f"mkdir -p /root/.agents/skills && cp -r {self.skills_dir}/. /root/.agents/skills"
            )
            await self.exec_as_agent(environment, copied)
        command = shlex.join(["python3", TARGET, self._parsed_model_name or "", instruction])
        await self.exec_as_agent(environment, command, env=told)

    @override
    def populate_context_post_run(self, context: AgentContext) -> None:
        log = self.logs_dir / LOG
        if not log.exists():
            return
        steps = [Step.model_validate(step) for step in json.loads(log.read_text())]
        metrics = [step.metrics for step in steps if step.metrics]
        context.n_input_tokens = sum(each.prompt_tokens or 0 for each in metrics)
        context.n_cache_tokens = sum(each.cached_tokens or 0 for each in metrics)
        context.n_output_tokens = sum(each.completion_tokens or 0 for each in metrics)
        context.cost_usd = sum(each.cost_usd or 0 for each in metrics)
        trajectory = Trajectory(
            schema_version="ATIF-v1.7",
            session_id=str(self.context_id),
            agent=Agent(name=self.name(), version=self.version(), model_name=self.model_name),
            steps=steps,
            final_metrics=FinalMetrics(
                total_prompt_tokens=context.n_input_tokens,
                total_completion_tokens=context.n_output_tokens,
                total_cached_tokens=context.n_cache_tokens,
                total_cost_usd=context.cost_usd,
                total_steps=len(steps),
            ),
        )
        written = json.dumps(trajectory.to_json_dict(), indent=2)
        (self.logs_dir / "trajectory.json").write_text(written)
