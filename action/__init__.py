"""What action.yml runs: icaform in a workflow, its report as one comment or issue, its numbers as outputs.

inputs ─ approval ─ icaform ─ report ─ comment | issue ─ outputs
"""
