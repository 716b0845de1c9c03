"""The world of a fresh state: one lab with two people and two projects, and a neighbour who owns a pipeline
of theirs.

The keys below open nothing but an emulator on this machine; they are no secrets and look like none.
"""

from __future__ import annotations

from .record import Json

API_KEY = "demo-api-key-not-a-secret"
SECOND_API_KEY = "second-demo-api-key-not-a-secret"
NEIGHBOUR_API_KEY = "neighbour-demo-api-key-not-a-secret"

_RUN = "/runs/2026-11-20"
_GERMLINE = {"name": "DRAGEN Germline", "owner": "ada", "language": "CWL"}

DEMO: Json = {
    "tenants": [{"name": "demo-lab"}, {"name": "neighbour-lab"}],
    "users": [
        {
            "name": "ada",
            "tenant": "demo-lab",
            "email": "ada@demo-lab.example",
            "api_key": API_KEY,
            "password": "demo-password",
            "ps_token": "demo-ps-token",
        },
        {"name": "grace", "tenant": "demo-lab", "email": "grace@demo-lab.example", "api_key": SECOND_API_KEY},
        {
            "name": "linus",
            "tenant": "neighbour-lab",
            "email": "linus@neighbour.example",
            "api_key": NEIGHBOUR_API_KEY,
        },
    ],
    "analysisStorages": [
        {"name": "Small", "description": "1.2 TB"},
        {"name": "Medium", "description": "2.4 TB"},
        {"name": "Large", "description": "7.2 TB"},
    ],
    "projects": [
        {"name": "wgs-prod", "owner": "ada", "description": "Whole genomes, production"},
        {"name": "wgs-dev", "owner": "ada", "description": "Whole genomes, development"},
    ],
    "pipelines": [
        {
            **_GERMLINE,
            "version": "4-0-3",
            "status": "Deprecated",
            "message": "Use 4-4-0.",
            "projects": ["wgs-prod"],
        },
        {**_GERMLINE, "version": "4-2-7", "status": "Released", "projects": ["wgs-prod", "wgs-dev"]},
        {**_GERMLINE, "version": "4-4-0", "status": "Released", "projects": ["wgs-prod"]},
        {
            "name": "nf-core rnaseq",
            "version": "3-14",
            "owner": "ada",
            "language": "NEXTFLOW",
            "projects": ["wgs-prod"],
        },
        {
            "name": "nf-core sarek",
            "version": "3-5",
            "owner": "ada",
            "language": "NEXTFLOW",
            "status": "Draft",
            "projects": ["wgs-dev"],
        },
        {
            "name": "DRAGEN Somatic",
            "version": "4-3-6",
            "owner": "linus",
            "language": "NEXTFLOW",
            "projects": ["wgs-prod"],
        },
    ],
    "data": [
        *(
            {"path": f"{_RUN}/{sample}_{read}.fastq.gz", "project": "wgs-prod", "size": 40_000_000_000}
            for sample in ("NA12878", "NA12891", "NA12892")
            for read in ("R1", "R2")
        ),
        {"path": "/references/hg38/", "project": "wgs-prod", "projects": ["wgs-dev"]},
        {"path": "/references/hg38/genome.fa", "project": "wgs-prod", "size": 3_300_000_000},
        {"path": "/archive/NA12877_R1.fastq.gz", "project": "wgs-prod", "status": "ARCHIVED"},
        {"path": "/results/", "project": "wgs-dev"},
        {"path": "/panel.bed", "project": "wgs-dev", "size": 120_000},
    ],
}
