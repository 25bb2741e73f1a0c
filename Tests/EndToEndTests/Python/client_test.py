"""Drives a running server with Camunda's own Python client, unchanged.

Usage: client_test.py MODEL, with CAMUNDA_REST_ADDRESS and THALWEG_EXAMPLES in the environment.
Ends with exit code 0 and the line "all steps passed", or with a traceback.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from camunda_orchestration_sdk import CamundaAsyncClient, CamundaClient, NullLogger, WorkerConfig
from camunda_orchestration_sdk import errors
from camunda_orchestration_sdk import models
from camunda_orchestration_sdk.runtime.job_worker import JobError, JobFailure
from camunda_orchestration_sdk.semantic_types import ProcessInstanceKey

EXAMPLES = Path(os.environ["THALWEG_EXAMPLES"])
attempts: dict[str, int] = {}
repaired: set[str] = set()


def step(text: str) -> None:
    print(f"{time.monotonic() - BEGIN:6.2f} s  {text}", flush=True)


BEGIN = time.monotonic()


def creation(process: str, variables: dict, wait: bool = False, **more) -> models.ProcessCreationById:
    body = {"processDefinitionId": process, "variables": variables, **more}
    if wait:
        body |= {"awaitCompletion": True, "requestTimeout": 30_000}
    return models.ProcessCreationById.from_dict(body)


async def work(job) -> dict:
    """What becomes of a job is told by the instance's variable `mode`."""
    mode = job.variables.to_dict().get("mode")
    key = str(job.job_key)
    attempts[key] = attempts.get(key, 0) + 1
    if mode == "flaky" and attempts[key] == 1:
        raise JobFailure(message="not yet", retries=job.retries - 1, retry_back_off=200)
    if mode == "crashing" and attempts[key] == 1:
        raise RuntimeError("an exception that nobody expected")
    if mode == "refused":
        raise JobError(error_code="REFUSED", message="we do not serve this")
    if mode == "broken" and key not in repaired:
        raise JobFailure(message="broken for good", retries=0)
    return {"answer": 42, "attempt": attempts[key], "element": str(job.element_id)}


async def check_stock(job) -> dict:
    return {"inStock": True}


async def request_payment(job) -> dict:
    variables = job.variables.to_dict()
    assert variables["amount"] == variables["total"], variables
    await job.client.publish_message(
        data=models.MessagePublicationRequest.from_dict(
            {
                "name": "payment-received",
                "correlationKey": variables["orderId"],
                "timeToLive": 60_000,
                "variables": {"paymentId": "P-1"},
            }
        )
    )
    return {}


async def ship_goods(job) -> dict:
    return {"trackingNumber": "T-1"}


async def instances(client, **filter_) -> list:
    query = models.ProcessInstanceSearchQuery.from_dict({"filter": filter_})
    return (await client.search_process_instances(data=query)).items


async def check_outcomes(client) -> None:
    result = await client.create_process_instance(data=creation("client-worker", {"mode": "success"}, wait=True))
    variables = result.variables.to_dict()
    assert variables["answer"] == 42 and variables["element"] == "Task_Work", variables
    step("a job was completed, and its result awaited")

    result = await client.create_process_instance(data=creation("client-worker", {"mode": "flaky"}, wait=True))
    assert result.variables.to_dict()["attempt"] == 2, result
    step("a job failed with retries left, and was done at the second attempt")

    result = await client.create_process_instance(data=creation("client-worker", {"mode": "crashing"}, wait=True))
    assert result.variables.to_dict()["attempt"] == 2, result
    step("a handler crashed, and its job was done at the second attempt")

    result = await client.create_process_instance(data=creation("client-worker", {"mode": "refused"}, wait=True))
    query = models.ElementInstanceSearchQuery.from_dict(
        {"filter": {"processInstanceKey": result.process_instance_key, "elementId": "End_Refused"}}
    )
    ends = (await client.search_element_instances(data=query)).items
    assert [str(end.state) for end in ends] == ["COMPLETED"], ends
    step("a BPMN error was thrown, and caught by the boundary event")


async def check_incident(client) -> None:
    created = await client.create_process_instance(data=creation("client-worker", {"mode": "broken"}))
    query = models.IncidentSearchQuery.from_dict(
        {"filter": {"processInstanceKey": created.process_instance_key, "state": "ACTIVE"}}
    )
    deadline = time.monotonic() + 20
    incidents = []
    while not incidents and time.monotonic() < deadline:
        incidents = (await client.search_incidents(data=query)).items
        await asyncio.sleep(0.05)
    assert len(incidents) == 1, incidents
    incident = incidents[0]
    assert str(incident.error_type) == "JOB_NO_RETRIES" and "broken for good" in incident.error_message, incident
    found = await instances(client, hasIncident=True)
    assert [i.process_instance_key for i in found] == [created.process_instance_key], found

    repaired.add(str(incident.job_key))
    change = models.JobUpdateRequest.from_dict({"changeset": {"retries": 1}})
    await client.update_job(job_key=incident.job_key, data=change)
    await client.resolve_incident(incident_key=incident.incident_key)
    deadline = time.monotonic() + 20
    state = ""
    while state != "COMPLETED" and time.monotonic() < deadline:
        shown = await client.get_process_instance(process_instance_key=created.process_instance_key)
        state = str(shown.state)
        await asyncio.sleep(0.05)
    assert state == "COMPLETED", state
    step("an incident was found, its job given a retry, and it was resolved")


async def check_order(client) -> None:
    """The example process with message, user task and jobs, from start to end."""
    started = asyncio.create_task(
        client.create_process_instance(data=creation("order-process", {"orderId": "S-1", "total": 1500}, wait=True))
    )
    query = models.UserTaskSearchQuery.from_dict({"filter": {"state": "CREATED"}})
    deadline = time.monotonic() + 30
    tasks = []
    while not tasks and time.monotonic() < deadline:
        tasks = (await client.search_user_tasks(data=query)).items
        await asyncio.sleep(0.05)
    assert [task.name for task in tasks] == ["Approve order"], tasks
    key = tasks[0].user_task_key
    await client.assign_user_task(
        user_task_key=key, data=models.UserTaskAssignmentRequest.from_dict({"assignee": "ada"})
    )
    task = await client.get_user_task(user_task_key=key)
    assert task.assignee == "ada" and "sales" in task.candidate_groups, task
    await client.complete_user_task(
        user_task_key=key, data=models.UserTaskCompletionRequest.from_dict({"variables": {"approved": True}})
    )
    result = await asyncio.wait_for(started, 30)
    variables = result.variables.to_dict()
    assert variables["trackingNumber"] == "T-1" and variables["paymentId"] == "P-1", variables
    step("an order was paid by message, approved by a user, and shipped")


async def check_searches(client, deployment) -> None:
    found = await instances(client, processDefinitionId="client-worker", state="COMPLETED")
    assert len(found) == 5, found
    assert all(str(i.state) == "COMPLETED" and i.end_date is not None for i in found), found

    query = models.ProcessInstanceSearchQuery.from_dict(
        {"sort": [{"field": "startDate", "order": "DESC"}], "page": {"limit": 2}}
    )
    page = await client.search_process_instances(data=query)
    assert len(page.items) == 2 and page.page.total_items >= 6, page
    query = models.ProcessInstanceSearchQuery.from_dict(
        {"sort": [{"field": "startDate", "order": "DESC"}], "page": {"limit": 2, "after": page.page.end_cursor}}
    )
    following = await client.search_process_instances(data=query)
    assert not {i.process_instance_key for i in page.items} & {i.process_instance_key for i in following.items}

    query = models.VariableSearchQuery.from_dict({"filter": {"name": "trackingNumber"}})
    variables = (await client.search_variables(data=query)).items
    # The task that mapped it has one of its own.
    of_instance = [v for v in variables if str(v.scope_key) == str(v.process_instance_key)]
    assert len(variables) == 2 and [v.value for v in of_instance] == ['"T-1"'], variables
    jobs = (await client.search_jobs(data=models.JobSearchQuery.from_dict({"filter": {"type": "ship-goods"}}))).items
    assert [str(job.state) for job in jobs] == ["COMPLETED"], jobs

    definition = deployment.processes[0]
    xml = await client.get_process_definition_xml(process_definition_key=definition.process_definition_key)
    assert "bpmn:definitions" in xml
    step("instances, variables, jobs and definitions were searched, page by page")


async def check_messages(client) -> None:
    created = await client.create_process_instance(data=creation("message", {"key": "k-1"}))
    published = await client.publish_message(
        data=models.MessagePublicationRequest.from_dict(
            {"name": "message-arrived", "correlationKey": "k-1", "variables": {"text": "hello"}}
        )
    )
    assert published.message_key
    shown = await client.get_process_instance(process_instance_key=created.process_instance_key)
    deadline = time.monotonic() + 10
    while str(shown.state) != "COMPLETED" and time.monotonic() < deadline:
        shown = await client.get_process_instance(process_instance_key=created.process_instance_key)
    assert str(shown.state) == "COMPLETED", shown
    try:
        await client.correlate_message(
            data=models.MessageCorrelationRequest.from_dict({"name": "message-arrived", "correlationKey": "nobody"})
        )
        raise AssertionError("expected a message that nobody waits for to be refused")
    except errors.NotFoundError:
        pass
    step("a message was published to a waiting instance")


async def check_errors(client) -> None:
    try:
        await client.create_process_instance(data=creation("unknown-process", {}))
        raise AssertionError("expected an unknown process to be refused")
    except (errors.NotFoundError, errors.UnexpectedStatus) as refusal:
        assert getattr(refusal, "status_code", 404) == 404, refusal
    try:
        await client.get_process_instance(process_instance_key=ProcessInstanceKey("1"))
        raise AssertionError("expected an unknown instance to be refused")
    except errors.NotFoundError:
        pass
    step("refusals came as the client's own errors")


async def main(model: str) -> None:
    async with CamundaAsyncClient(logger=NullLogger()) as client:
        topology = await client.get_topology()
        assert topology.cluster_size == 1 and topology.gateway_version.startswith("8."), topology
        assert str(topology.brokers[0].partitions[0].role) == "leader", topology
        await client.get_status()
        await client.get_license()
        await client.get_authentication()
        step("the topology was read")

        files = [model, EXAMPLES / "order-process.bpmn", EXAMPLES / "message.bpmn"]
        deployment = await client.deploy_resources_from_files(files)
        assert [str(p.process_definition_id) for p in deployment.processes] == [
            "client-worker", "order-process", "message",
        ], deployment
        step("three models were deployed")

        handlers = {
            "client-work": work, "check-stock": check_stock,
            "request-payment": request_payment, "ship-goods": ship_goods,
        }
        for job_type, handler in handlers.items():
            config = WorkerConfig(
                job_type=job_type,
                job_timeout_milliseconds=30_000,
                request_timeout_milliseconds=2_000,
                with_lease=job_type == "ship-goods",
            )
            client.create_job_worker(config=config, callback=handler, execution_strategy="async")
        workers = asyncio.create_task(client.run_workers())

        await check_outcomes(client)
        await check_incident(client)
        await check_order(client)
        await check_messages(client)
        await check_searches(client, deployment)
        await check_errors(client)
        workers.cancel()
        await asyncio.gather(workers, return_exceptions=True)

    with CamundaClient(logger=NullLogger()) as client:
        created = client.create_process_instance(data=creation("message", {"key": "k-2"}))
        # Without a body the client itself fails: it sends its own mark for "not set" as JSON.
        client.cancel_process_instance(
            process_instance_key=created.process_instance_key, data=models.CancelProcessInstanceRequest()
        )
        shown = client.get_process_instance(process_instance_key=created.process_instance_key)
        assert str(shown.state) == "TERMINATED", shown
    step("the synchronous client created and cancelled an instance")
    print("all steps passed", flush=True)


asyncio.run(main(sys.argv[1]))
