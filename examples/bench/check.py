"""Whether sum.txt in the current folder holds the sum of the numbers in numbers.txt."""

import sys
from pathlib import Path

expected = sum(int(line) for line in Path("numbers.txt").read_text(encoding="utf-8").split())
try:
    found = int(Path("sum.txt").read_text(encoding="utf-8"))
except (OSError, ValueError) as error:
    print(f"no number in sum.txt: {error}")
    sys.exit(1)
print(f"sum.txt says {found}, the sum is {expected}")
sys.exit(0 if found == expected else 1)
