import BPMNModel

/// User tasks.
extension ModelBuilder {
    /// With `zeebe:userTask` the engine keeps the task itself, without it a worker gets a job.
    mutating func readUserTask(_ context: inout ElementContext) {
        for name in ["script", "taskDefinition"] {
            if let node = context.extensions[name] {
                self.report(
                    .taskImplementation,
                    at: node,
                    "Expected a user task without a job or script of its own, but got 'zeebe:\(name)'.",
                    advice: "Remove it or use another kind of task."
                )
            }
        }
        var task = UserTaskDefinition()
        task.headers = self.readHeaders(context)
        self.readAssignment(context, into: &task)
        let formKey = self.readForm(context, into: &task)
        if let node = context.extensions["userTask"] {
            if formKey != nil {
                self.reportSetting(
                    at: context.extensions["formDefinition"] ?? node,
                    expected: "a form id or an external reference on a user task with 'zeebe:userTask'",
                    got: "a form key",
                    advice: "Link the form by its id."
                )
            }
            context.element.userTask = task
        } else {
            context.element.job = self.job(for: task, formKey: formKey, at: context.node)
        }
    }

    private mutating func readAssignment(_ context: ElementContext, into task: inout UserTaskDefinition) {
        if let node = context.extensions["assignmentDefinition"] {
            task.assignee = self.expression("assignee", of: node)
            task.candidateGroups = self.expression("candidateGroups", of: node)
            task.candidateUsers = self.expression("candidateUsers", of: node)
        }
        if let node = context.extensions["taskSchedule"] {
            task.dueDate = self.date("dueDate", of: node)
            task.followUpDate = self.date("followUpDate", of: node)
        }
        if let node = context.extensions["priorityDefinition"] {
            task.priority = self.expression("priority", of: node)
            if case .literal(let text)? = task.priority, Int(text).map({ (0...100).contains($0) }) != true {
                self.reportSetting(
                    at: node,
                    expected: "a priority from 0 to 100",
                    got: quoted(text),
                    advice: "Write a number, or an expression after '='."
                )
            }
        }
    }

    private mutating func date(_ name: String, of node: Int) -> ModelExpression? {
        let expression = self.expression(name, of: node)
        if case .literal(let text)? = expression, !TimerLiteral.isDateTime(text) {
            self.reportSetting(
                at: node,
                expected: "a date and time such as '2027-01-31T12:00:00Z' in '\(name)'",
                got: quoted(text),
                advice: "Write the date with its offset, or an expression after '='."
            )
        }
        return expression
    }

    /// - Returns: the form key, which only tasks that are jobs have.
    private mutating func readForm(_ context: ElementContext, into task: inout UserTaskDefinition) -> String? {
        guard let node = context.extensions["formDefinition"] else { return nil }
        let formKey = self.tree.attribute("formKey", of: node)
        task.formID = self.expression("formId", of: node)
        task.externalFormReference = self.expression("externalReference", of: node)
        let binding = self.tree.attribute("bindingType", of: node) ?? "latest"
        if binding != "latest" {
            self.reportUnsupported("the form binding \(quoted(binding)) of", at: node)
        }
        if let formKey, formKey.hasPrefix("camunda-forms:") {
            self.reportUnsupported("an embedded form of", at: node)
            return nil
        }
        let count = [formKey != nil, task.formID != nil, task.externalFormReference != nil].filter { $0 }.count
        if count != 1 {
            self.reportSetting(
                at: node,
                expected: "one of 'formId', 'formKey' and 'externalReference'",
                got: "\(count)",
                advice: "Keep the one that names the form."
            )
        }
        return formKey
    }

    /// The job that stands for a user task without `zeebe:userTask`: its settings travel as headers.
    private mutating func job(for task: UserTaskDefinition, formKey: String?, at node: Int) -> JobDefinition {
        var headers = task.headers
        let prefix = "io.camunda.zeebe:"
        if let formKey { headers.append(TaskHeader(key: prefix + "formKey", value: formKey)) }
        let settings: [(name: String, value: ModelExpression?, isList: Bool)] = [
            ("assignee", task.assignee, false),
            ("candidateGroups", task.candidateGroups, true),
            ("candidateUsers", task.candidateUsers, true),
            ("dueDate", task.dueDate, false),
            ("followUpDate", task.followUpDate, false),
        ]
        for setting in settings {
            switch setting.value {
            case .literal(let text):
                let value = setting.isList ? Self.jsonList(text) : text
                headers.append(TaskHeader(key: prefix + setting.name, value: value))
            case .feel:
                self.reportSetting(
                    at: node,
                    expected: "a written-out '\(setting.name)' on a user task without 'zeebe:userTask'",
                    got: "an expression",
                    advice: "Add 'zeebe:userTask' to the task."
                )
            case nil:
                break
            }
        }
        return JobDefinition(type: .literal("io.camunda.zeebe:userTask"), retries: .literal("3"), headers: headers)
    }

    /// A list separated by commas, as the JSON text that workers of user tasks read.
    private static func jsonList(_ text: String) -> String {
        let items = text.split(separator: ",").map { item in
            var quotedItem = "\""
            let inner = item.drop { $0 == " " }
            let end = inner.lastIndex { $0 != " " }.map { inner.index(after: $0) } ?? inner.startIndex
            for scalar in inner[..<end].unicodeScalars {
                switch scalar {
                case "\"", "\\":
                    quotedItem += "\\"
                    quotedItem.unicodeScalars.append(scalar)
                case _ where scalar.value < 0x20:
                    // A line break or tab in an attribute is only ever layout.
                    quotedItem += " "
                default:
                    quotedItem.unicodeScalars.append(scalar)
                }
            }
            return quotedItem + "\""
        }
        return "[" + items.joined(separator: ",") + "]"
    }

    private mutating func reportSetting(at node: Int, expected: String, got: String, advice: String) {
        self.report(.userTaskSetting, at: node, "Expected \(expected), but got \(got).", advice: advice)
    }
}
