import BPMNModel
import BPMNParsing
import Testing

@Suite struct AcceptedModelTests {
    private static func element(_ id: String, _ body: String, definitions: String = "") throws -> Element {
        let model = try TestModels.parse(body, definitions: definitions)
        let index = try #require(model.index(of: id))
        return model.elements[index]
    }

    @Test func `every supported kind of element is read`() throws {
        let bytes = try TestModels.bytes("good/every-kind.bpmn")

        let resource = try BPMNParser.parse(bytes, resourceName: "every-kind.bpmn")

        let model = try #require(resource.processes.first)
        #expect(Set(model.elements.map(\.kind)) == Set(ElementKind.allCases))
        #expect(model.id == "every-kind")
        #expect(model.versionTag == "1.0")
        for (index, element) in model.elements.enumerated() {
            #expect((element.parent ?? -1) < index, "a scope stands before what it contains")
            #expect(model.index(of: element.id) == index)
            for flow in element.outgoing { #expect(model.flows[flow].source == index) }
            for flow in element.incoming { #expect(model.flows[flow].target == index) }
            for child in element.children { #expect(model.elements[child].parent == index) }
            for event in element.boundaryEvents { #expect(model.elements[event].attachedTo == index) }
        }
    }

    @Test func `pools, lanes, data and processes that are not executable have no meaning`() throws {
        let bytes = try TestModels.bytes("good/collaboration.bpmn")

        let resource = try BPMNParser.parse(bytes, resourceName: "collaboration.bpmn")

        #expect(resource.processes.map(\.id) == ["sales", "shipping"])
        #expect(resource.processes[0].elements.map(\.id) == ["sales", "sales-start", "sales-end"])
    }

    @Test func `a service task is a job with headers and mappings`() throws {
        let task = try Self.element(
            "t",
            TestModels.extended(
                "serviceTask",
                "id=\"t\" name=\"Work\"",
                """
                <zeebe:taskDefinition type="=kind" retries="5"/>
                <zeebe:taskHeaders><zeebe:header key="a" value="1"/><zeebe:header key="b"/></zeebe:taskHeaders>
                <zeebe:ioMapping>
                  <zeebe:input source="=x + 1" target="a.b"/><zeebe:input target="n"/><zeebe:input source="x" target="l"/>
                  <zeebe:output source="=y" target="z"/>
                </zeebe:ioMapping>
                <zeebe:properties><zeebe:property name="p" value="v"/></zeebe:properties>
                <zeebe:fromTheFuture/><other xmlns="urn:other"/>
                """
            )
        )

        #expect(task.name == "Work")
        #expect(
            task.job
                == JobDefinition(
                    type: .feel("kind"),
                    retries: .literal("5"),
                    headers: [TaskHeader(key: "a", value: "1"), TaskHeader(key: "b", value: "")]
                )
        )
        #expect(
            task.inputMappings == [
                VariableMapping(source: .feel("x + 1"), target: ["a", "b"]),
                VariableMapping(source: nil, target: ["n"]),
                VariableMapping(source: .literal("x"), target: ["l"]),
            ]
        )
        #expect(task.outputMappings == [VariableMapping(source: .feel("y"), target: ["z"])])
    }

    @Test func `retries are three unless the model says otherwise`() throws {
        #expect(try Self.element("t", TestModels.service).job?.retries == .literal("3"))
    }

    @Test func `a user task without its marker is a job with its settings as headers`() throws {
        let task = try Self.element(
            "t",
            TestModels.extended(
                "userTask",
                "id=\"t\"",
                """
                <zeebe:taskHeaders><zeebe:header key="a" value="1"/></zeebe:taskHeaders>
                <zeebe:assignmentDefinition assignee="ann" candidateGroups="sales, &quot;it&quot;"/>
                """
            )
        )

        #expect(task.userTask == nil)
        #expect(
            task.job
                == JobDefinition(
                    type: .literal("io.camunda.zeebe:userTask"),
                    retries: .literal("3"),
                    headers: [
                        TaskHeader(key: "a", value: "1"),
                        TaskHeader(key: "io.camunda.zeebe:assignee", value: "ann"),
                        TaskHeader(key: "io.camunda.zeebe:candidateGroups", value: "[\"sales\",\"\\\"it\\\"\"]"),
                    ]
                )
        )
    }

    @Test func `a user task with its marker keeps its settings`() throws {
        let task = try Self.element(
            "t",
            TestModels.extended(
                "userTask",
                "id=\"t\"",
                """
                <zeebe:userTask/><zeebe:assignmentDefinition assignee="=boss" candidateUsers="a,b"/>
                <zeebe:taskSchedule dueDate="2027-02-28T12:00:00+01:00" followUpDate="=now()"/>
                <zeebe:priorityDefinition priority="70"/><zeebe:formDefinition formId="f"/>
                """
            )
        )

        #expect(task.job == nil)
        var expected = UserTaskDefinition()
        expected.assignee = .feel("boss")
        expected.candidateUsers = .literal("a,b")
        expected.dueDate = .literal("2027-02-28T12:00:00+01:00")
        expected.followUpDate = .feel("now()")
        expected.priority = .literal("70")
        expected.formID = .literal("f")
        #expect(task.userTask == expected)
    }

    @Test func `a script task has a script or a job`() throws {
        let script = "<zeebe:script expression=\"=1 + 1\" resultVariable=\"r\"/>"

        let scripted = try Self.element("t", TestModels.extended("scriptTask", "id=\"t\"", script))
        let worked = try Self.element("t", TestModels.extended("scriptTask", "id=\"t\"", TestModels.job))

        #expect(scripted.script == ScriptDefinition(expression: .feel("1 + 1"), resultVariable: "r"))
        #expect(scripted.job == nil)
        #expect(worked.script == nil)
        #expect(worked.job?.type == .literal("work"))
    }

    @Test func `a call activity propagates all variables unless told otherwise`() throws {
        let plain = "<zeebe:calledElement processId=\"child\"/>"
        let tagged = """
            <zeebe:calledElement processId="=id" propagateAllChildVariables="false" propagateAllParentVariables="0" \
            bindingType="versionTag" versionTag="v1"/>
            """

        let first = try Self.element("t", TestModels.extended("callActivity", "id=\"t\"", plain))
        let second = try Self.element("t", TestModels.extended("callActivity", "id=\"t\"", tagged))

        #expect(first.calledElement == CalledElementDefinition(processID: .literal("child")))
        #expect(
            second.calledElement
                == CalledElementDefinition(
                    processID: .feel("id"),
                    propagateAllChildVariables: false,
                    propagateAllParentVariables: false,
                    bindingType: .versionTag,
                    versionTag: .literal("v1")
                )
        )
    }

    @Test func `a message has a key where something waits and none where something starts`() throws {
        let definitions = TestModels.message("m", "arrived", key: "=order.id")
        let start = TestModels.event("startEvent", "id=\"ms\"", "messageEventDefinition messageRef=\"m\"")
        let wait = "<bpmn:receiveTask id=\"t\" messageRef=\"m\"/>"

        #expect(
            try Self.element("ms", start, definitions: definitions).event
                == .message(MessageDefinition(name: .literal("arrived"), correlationKey: nil))
        )
        #expect(
            try Self.element("t", wait, definitions: definitions).message
                == MessageDefinition(name: .literal("arrived"), correlationKey: .feel("order.id"))
        )
    }

    @Test func `an error without a code catches every code`() throws {
        let boundary =
            TestModels.service
            + TestModels.event("boundaryEvent", "id=\"b\" attachedToRef=\"t\"", "errorEventDefinition")
        let specific =
            TestModels.service
            + TestModels.event("boundaryEvent", "id=\"b\" attachedToRef=\"t\"", "errorEventDefinition errorRef=\"e\"")
        let error = "<bpmn:error id=\"e\" errorCode=\"E1\"/>"

        #expect(try Self.element("b", boundary).event == .error(ErrorDefinition(code: nil)))
        #expect(
            try Self.element("b", specific, definitions: error).event == .error(ErrorDefinition(code: .literal("E1")))
        )
    }

    @Test func `flows keep file order, and the default flow needs no condition`() throws {
        let model = try TestModels.parse(
            TestModels.service + "<bpmn:exclusiveGateway id=\"g\" default=\"f3\"/><bpmn:endEvent id=\"e\"/>"
                + TestModels.flow("f1", "s", "g") + TestModels.flow("f2", "g", "t", "\n  =a &gt; 1 \n")
                + TestModels.flow("f3", "g", "e", "=ignored") + TestModels.flow("f4", "g", "t", "<![CDATA[=b < 2]]>")
        )

        let gateway = model.elements[try #require(model.index(of: "g"))]
        #expect(gateway.outgoing.map { model.flows[$0].id } == ["f2", "f3", "f4"])
        #expect(gateway.outgoing.map { model.flows[$0].condition } == [.feel("a > 1"), nil, .feel("b < 2")])
        #expect(gateway.defaultFlow.map { model.flows[$0].id } == "f3")
    }

    static let timers: [(String, String, String)] = [
        ("startEvent", "timeCycle", "R/PT1H"),
        ("startEvent", "timeCycle", "R5/2027-01-31T12:00:00Z/P1D"),
        ("startEvent", "timeCycle", "R5/2027-01-31T12:00:00@Europe/Berlin/P1D"),
        ("startEvent", "timeCycle", "=cycle(duration(\"PT1H\"))"),
        ("startEvent", "timeCycle", "0 0 9 * * MON-FRI"),
        ("startEvent", "timeCycle", "@daily"),
        ("startEvent", "timeDate", "2027-01-31T12:00:00Z"),
        ("startEvent", "timeDate", "2027-01-31T12:00Z"),
        ("startEvent", "timeDate", "2027-01-31T12:00:00@Europe/Berlin"),
        ("startEvent", "timeDate", "2028-02-29T12:00:00.123-05:30"),
        ("intermediateCatchEvent", "timeDate", "2027-01-31T12:00:00+01:00[Europe/Berlin]"),
        ("intermediateCatchEvent", "timeDuration", "PT0.5S"),
        ("intermediateCatchEvent", "timeDuration", " P1Y2M3DT4H5M6S\n"),
        ("intermediateCatchEvent", "timeDuration", "P2W"),
        ("intermediateCatchEvent", "timeDuration", "-PT5M"),
        ("intermediateCatchEvent", "timeDuration", "=wait"),
    ]

    @Test(arguments: timers)
    func `a timer of an allowed form is read`(tag: String, kind: String, text: String) throws {
        let event = try Self.element("x", TestModels.timer(tag, "id=\"x\"", kind, text)).event

        guard case .timer(let timer)? = event else {
            Issue.record("expected a timer, but got \(String(describing: event))")
            return
        }
        let written = text.trimmingPrefix { $0.isWhitespace }.split(whereSeparator: \.isNewline).first.map(String.init)
        let expected: ModelExpression = text.hasPrefix("=") ? .feel(String(text.dropFirst())) : .literal(written ?? "")
        #expect(timer.expression == expected)
        #expect("time" + timer.kind.rawValue == kind.lowercased())
    }

    @Test func `a non-interrupting boundary timer may repeat`() throws {
        let event = try Self.element(
            "b",
            TestModels.service
                + TestModels.timer(
                    "boundaryEvent",
                    "id=\"b\" attachedToRef=\"t\" cancelActivity=\"false\"",
                    "timeCycle",
                    "R3/PT1M"
                )
        )

        #expect(!event.isInterrupting)
        #expect(event.event == .timer(TimerDefinition(kind: .cycle, expression: .literal("R3/PT1M"))))
    }

    static let loops: [String] = [
        // A service task waits.
        "<bpmn:task id=\"a\"/>" + TestModels.service + TestModels.flow("f1", "a", "t")
            + TestModels.flow("f2", "t", "a"),
        // A sub-process waits when something inside it does.
        "<bpmn:task id=\"a\"/><bpmn:subProcess id=\"u\"><bpmn:startEvent id=\"us\"/>\(TestModels.service)</bpmn:subProcess>"
            + TestModels.flow("f1", "a", "u") + TestModels.flow("f2", "u", "a"),
        // A diamond is no loop.
        "<bpmn:parallelGateway id=\"a\"/><bpmn:task id=\"b\"/><bpmn:task id=\"c\"/><bpmn:parallelGateway id=\"d\"/>"
            + TestModels.flow("f1", "a", "b") + TestModels.flow("f2", "a", "c") + TestModels.flow("f3", "b", "d")
            + TestModels.flow("f4", "c", "d"),
    ]

    @Test(arguments: loops)
    func `a loop that waits and a join of branches are accepted`(body: String) throws {
        #expect(throws: Never.self) { try TestModels.parse(body) }
    }
}
