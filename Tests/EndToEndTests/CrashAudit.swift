import JSON

/// Compares what the server acknowledged with what it shows.
struct CrashAudit {
    let server: TestServer
    let ledger: Ledger.Contents

    /// Finds what is missing or there twice while work goes on. Everything acknowledged must be there; what nobody was
    /// told yet may be.
    func duringTheRun() async throws -> [String] {
        var findings: [String] = []
        for (process, created) in self.ledger.created {
            let instances = try await self.instances(process, &findings)
            for (id, key) in created where instances[key] == nil {
                findings.append("acknowledged instance \(key) (\(id) of \(process)) is missing")
            }
        }
        let started = try await self.idsOfInstances("started-by-message", &findings)
        for id in self.ledger.starting.keys where started[id] == nil {
            findings.append("acknowledged message \(id) started no instance")
        }
        let completed = try await self.completedJobs(&findings)
        for (job, instance) in self.ledger.completedJobs where completed[job] != instance {
            findings.append("acknowledged completion of job \(job) of instance \(instance) is missing")
        }
        return findings
    }

    /// Finds every difference after all requests were answered and all jobs done: both sides must be equal.
    func atTheEnd() async throws -> [String] {
        var findings: [String] = []
        var allInstances: Set<String> = []
        for process in ["one-task", "message", "started-by-message"] {
            let instances = try await self.instances(process, &findings)
            allInstances.formUnion(instances.keys)
            for (key, state) in instances where state != "COMPLETED" {
                findings.append("instance \(key) of \(process) is \(state)")
            }
            let ids = try await self.idsOfInstances(process, &findings)
            let expected: Set<String>
            if process == "started-by-message" {
                expected = Set(self.ledger.starting.keys)
            } else {
                let created = self.ledger.created[process] ?? [:]
                expected = Set(created.keys)
                for (id, key) in created where ids[id] != key {
                    findings.append("\(id) of \(process) is instance \(ids[id] ?? "none"), acknowledged as \(key)")
                }
            }
            for id in Set(ids.keys).symmetricDifference(expected) {
                findings.append("\(id) of \(process) is there but not acknowledged, or the other way round")
            }
            if ids.count != instances.count {
                findings.append("\(process) has \(instances.count) instances for \(ids.count) ids")
            }
        }
        let completed = try await self.completedJobs(&findings)
        if completed != self.ledger.completedJobs {
            let odd = Set(completed.keys).symmetricDifference(self.ledger.completedJobs.keys)
            findings.append("completed jobs are not those acknowledged: \(odd.sorted().prefix(5))")
        }
        if Set(completed.values).count != completed.count {
            findings.append("an instance has more than one completed job")
        }
        let jobs = try await self.all("jobs", filter: "{}", sort: "jobKey")
        for job in jobs where job.text("state") != "COMPLETED" {
            findings.append("job \(job.text("jobKey")) is \(job.text("state"))")
        }
        let ends = try await self.all("element-instances", filter: #"{"type":"END_EVENT"}"#, sort: "elementInstanceKey")
        if ends.count != allInstances.count {
            findings.append("\(allInstances.count) instances ended \(ends.count) times")
        }
        let incidents = try await self.all("incidents", filter: "{}", sort: "incidentKey")
        findings += incidents.map { "incident: \($0.text("errorMessage"))" }
        return findings
    }

    // MARK: What the server shows

    /// State by key of all instances of a process.
    private func instances(_ process: String, _ findings: inout [String]) async throws -> [String: String] {
        let filter = "{\"processDefinitionId\":\"\(process)\"}"
        var states: [String: String] = [:]
        for item in try await self.all("process-instances", filter: filter, sort: "processInstanceKey") {
            let key = item.text("processInstanceKey")
            if states.updateValue(item.text("state"), forKey: key) != nil {
                findings.append("instance \(key) is shown twice")
            }
        }
        return states
    }

    /// Instance by the id that clients gave it, for one process.
    private func idsOfInstances(_ process: String, _ findings: inout [String]) async throws -> [String: String] {
        let keys = try await self.instances(process, &findings)
        var result: [String: String] = [:]
        for item in try await self.all("variables", filter: #"{"name":"id"}"#, sort: "variableKey") {
            let instance = item.text("processInstanceKey")
            guard keys[instance] != nil else { continue }
            let id = item.text("value").filter { $0 != "\"" }
            if let other = result.updateValue(instance, forKey: id) {
                findings.append("\(id) of \(process) was started twice: instances \(other) and \(instance)")
            }
        }
        return result
    }

    /// Instance by key of all completed jobs.
    private func completedJobs(_ findings: inout [String]) async throws -> [String: String] {
        var result: [String: String] = [:]
        for job in try await self.all("jobs", filter: #"{"state":"COMPLETED"}"#, sort: "jobKey") {
            let key = job.text("jobKey")
            if result.updateValue(job.text("processInstanceKey"), forKey: key) != nil {
                findings.append("job \(key) is shown twice")
            }
        }
        return result
    }

    /// All items of a search, page by page.
    private func all(_ kind: String, filter: String, sort: String) async throws -> [JSONValue] {
        let limit = 2_000
        var items: [JSONValue] = []
        var after = ""
        while true {
            let page = after.isEmpty ? "" : ",\"after\":\(JSONValue.quoted(after))"
            let body =
                "{\"filter\":\(filter),\"sort\":[{\"field\":\"\(sort)\"}],\"page\":{\"limit\":\(limit)\(page)}}"
            let answer = try await self.server.call(.post("/v2/\(kind)/search", body))
            items += answer.items
            after = answer["page"].text("endCursor")
            if answer.items.count < limit || after.isEmpty { return items }
        }
    }
}
