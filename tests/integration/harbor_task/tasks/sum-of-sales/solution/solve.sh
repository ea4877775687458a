#!/bin/sh
awk -F, '$1 == "north" { sum += $2 * $3 } END { printf "%.2f\n", sum }' /app/sales.csv > /app/answer.txt
