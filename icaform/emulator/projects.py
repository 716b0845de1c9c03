"""Projects: listing and reading them."""

from __future__ import annotations

from .call import Answer, Call, etag, shown
from .clock import iso
from .paging import page
from .record import Json, Project, Tenant, User
from .world import World, encode, stable_id


def list_projects(call: Call) -> Answer:
    """`search` matches a part of the name, letter case aside; all tags given must be there."""
    query = call.query
    wanted = (query.get("search") or "").lower()
    rows = [
        project
        for project in call.world.all(Project, call.view)
        if project.tenant_id == call.user.tenant_id
        and wanted in project.name.lower()
        and set(query.getlist("userTags")) <= set(project.user_tags)
        and set(query.getlist("technicalTags")) <= set(project.technical_tags)
        and (project.active or query.get("includeHiddenProjects", "").lower() == "true")
        and (not query.get("region") or region(call.world, project)["id"] == query["region"])
    ]
    rows.sort(key=lambda project: (project.created, project.id))
    return shown(
        page(
            call,
            rows,
            lambda project: (project.created, project.id),
            lambda project: render(call.world, project),
            {
                "name": lambda project: project.name,
                "shortDescription": lambda project: project.description or None,
                "information": lambda project: None,
            },
        )
    )


def get_project(call: Call) -> Answer:
    project = call.project()
    return shown(render(call.world, project), tag=etag(encode(vars(project))))


def render(world: World, project: Project) -> Json:
    facts = stamp(world, project.tenant_id, project.owner_id, project.created, project.modified)
    return {
        "id": project.id,
        **facts,
        "urn": f"urn:ilmn:ica:project:{project.id}#{project.name}",
        "name": project.name,
        "active": project.active,
        "baseEnabled": False,
        "shortDescription": project.description or None,
        "information": None,
        "region": region(world, project),
        "billingMode": "PROJECT",
        "dataSharingEnabled": True,
        "tags": {"technicalTags": project.technical_tags, "userTags": project.user_tags},
        "analysisPriority": "MEDIUM",
        "projectOwner": project.owner_id,
    }


def region(world: World, project: Project) -> Json:
    code = project.region
    facts = stamp(world, project.tenant_id, project.owner_id, 0, 0)
    country = {"id": stable_id("country", code), **facts, "code": code, "name": code, "region": code}
    return {"id": stable_id("region", code), **facts, "code": code, "country": country, "cityName": code}


def tenant_name(world: World, identity: str) -> str:
    tenant = world.get(Tenant, identity, float("inf"))
    return tenant.name if tenant else ""


def render_user(world: World, user: User) -> Json:
    """The full V3 user, which a job names as its owner."""
    return {
        "id": user.id,
        **stamp(world, user.tenant_id, user.id, user.created, user.created),
        "username": user.email,
        "email": user.email,
        "firstname": user.name,
        "lastname": None,
        "active": True,
        "tenantAdministrator": False,
        "emailVerified": True,
        "twoFactorAuthentication": False,
    }


def stamp(world: World, tenant: str, owner: str, created: float, modified: float) -> Json:
    return {
        "timeCreated": iso(created),
        "timeModified": iso(modified),
        "ownerId": owner,
        "tenantId": tenant,
        "tenantName": tenant_name(world, tenant),
    }
