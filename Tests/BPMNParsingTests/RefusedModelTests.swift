import BPMNParsing
import Testing

@Suite struct RefusedModelTests {
    struct Fault: CustomTestStringConvertible {
        var rule: ValidationRule
        var testDescription: String
        /// Where the finding is expected; the process body begins in line 3 with the start event `s`.
        var elementID: String?
        var body: String
        var definitions: String

        init(_ rule: ValidationRule, _ name: String, at elementID: String?, _ body: String, definitions: String = "") {
            self.rule = rule
            self.testDescription = "\(rule.rawValue): \(name)"
            self.elementID = elementID
            self.body = body
            self.definitions = definitions
        }
    }

    private typealias Models = TestModels

    private static let message = Models.message("m", "arrived")
    private static func boundary(_ id: String, _ attributes: String, _ definition: String) -> String {
        Models.event("boundaryEvent", "id=\"\(id)\" attachedToRef=\"t\" \(attributes)", definition)
    }

    static let unsupported: [Fault] = [
        ("<bpmn:inclusiveGateway id=\"x\"/>", "inclusive gateway"),
        ("<bpmn:complexGateway id=\"x\"/>", "complex gateway"),
        ("<bpmn:transaction id=\"x\"/>", "transaction"),
        ("<bpmn:adHocSubProcess id=\"x\"><bpmn:task id=\"y\"/></bpmn:adHocSubProcess>", "ad-hoc sub-process"),
        (
            "<bpmn:subProcess id=\"x\" triggeredByEvent=\"true\"><bpmn:task id=\"y\"/></bpmn:subProcess>",
            "event sub-process"
        ),
        ("<bpmn:fancyTask id=\"x\"/>", "unknown element"),
        (Models.event("startEvent", "id=\"x\"", "signalEventDefinition"), "signal start"),
        (Models.event("startEvent", "id=\"x\"", "conditionalEventDefinition"), "conditional start"),
        (Models.event("intermediateThrowEvent", "id=\"x\"", "linkEventDefinition"), "link throw"),
        (Models.event("intermediateThrowEvent", "id=\"x\"", "compensateEventDefinition"), "compensation throw"),
        (Models.event("endEvent", "id=\"x\"", "escalationEventDefinition"), "escalation end"),
        (Models.event("endEvent", "id=\"x\"", "cancelEventDefinition"), "cancel end"),
        (Models.event("endEvent", "id=\"x\"", "terminateEventDefinition/><bpmn:errorEventDefinition"), "multiple end"),
        (Models.event("startEvent", "id=\"x\"", "eventDefinitionRef"), "event definition by reference"),
        ("<bpmn:receiveTask id=\"x\" messageRef=\"m\" instantiate=\"true\"/>", "instantiating receive task"),
        (
            "<bpmn:task id=\"x\"><bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements>"
                + "<zeebe:loopCharacteristics inputCollection=\"=l\"/></bpmn:extensionElements>"
                + "</bpmn:multiInstanceLoopCharacteristics></bpmn:task>", "multi-instance"
        ),
        ("<bpmn:task id=\"x\"><bpmn:standardLoopCharacteristics/></bpmn:task>", "standard loop"),
        ("<bpmn:task id=\"x\" isForCompensation=\"true\"/>", "compensation handler"),
        (
            Models.extended("businessRuleTask", "id=\"x\"", "<zeebe:calledDecision decisionId=\"d\"/>"),
            "called decision"
        ),
        (
            Models.extended(
                "task",
                "id=\"x\"",
                "<zeebe:executionListeners><zeebe:executionListener/></zeebe:executionListeners>"
            ), "execution listener"
        ),
        (
            Models.extended("userTask", "id=\"x\"", "<zeebe:formDefinition formKey=\"camunda-forms:bpmn:f\"/>"),
            "embedded form"
        ),
    ].map { Fault(.unsupportedElement, $0.1, at: "x", $0.0, definitions: message) }

    static let flows: [Fault] = [
        Fault(.missingID, "flow node", at: "p", "<bpmn:task/>"),
        Fault(
            .missingID,
            "flow",
            at: "p",
            "<bpmn:task id=\"a\"/><bpmn:sequenceFlow sourceRef=\"s\" targetRef=\"a\"/>"
        ),
        Fault(.invalidID, "pattern", at: "1 a", "<bpmn:task id=\"1 a\"/>"),
        Fault(
            .invalidID,
            "length",
            at: String(repeating: "x", count: 300),
            "<bpmn:task id=\"\(String(repeating: "x", count: 300))\"/>"
        ),
        Fault(.duplicateID, "flow node", at: "a", "<bpmn:task id=\"a\"/>\n<bpmn:task id=\"a\"/>"),
        Fault(
            .nameTooLong,
            "flow node",
            at: "a",
            "<bpmn:task id=\"a\" name=\"\(String(repeating: "x", count: 5000))\"/>"
        ),
        Fault(
            .invalidBoolean,
            "cancelActivity",
            at: "b",
            Models.service + boundary("b", "cancelActivity=\"maybe\"", "errorEventDefinition")
        ),
        Fault(.danglingReference, "source", at: "f", "<bpmn:task id=\"a\"/>" + Models.flow("f", "x", "a")),
        Fault(.danglingReference, "target", at: "f", Models.flow("f", "s", "x")),
        Fault(.danglingReference, "target is the process", at: "f", Models.flow("f", "s", "p")),
        Fault(
            .flowCrossesScope,
            "into a sub-process",
            at: "f",
            "<bpmn:subProcess id=\"u\"><bpmn:startEvent id=\"us\"/><bpmn:task id=\"a\"/></bpmn:subProcess>"
                + Models.flow("f", "s", "a")
        ),
        Fault(
            .conditionNotAllowed,
            "from a start event",
            at: "f",
            "<bpmn:task id=\"a\"/>" + Models.flow("f", "s", "a", "=true")
        ),
        Fault(
            .conditionNotFEEL,
            "literal",
            at: "f",
            "<bpmn:task id=\"a\"/><bpmn:task id=\"b\"/>" + Models.flow("f", "a", "b", "x = 1")
        ),
        Fault(
            .conditionMissing,
            "exclusive gateway",
            at: "f2",
            "<bpmn:exclusiveGateway id=\"g\"/><bpmn:task id=\"a\"/><bpmn:task id=\"b\"/>"
                + Models.flow("f1", "g", "a", "=x") + Models.flow("f2", "g", "b")
        ),
        Fault(.defaultFlow, "unknown", at: "g", "<bpmn:exclusiveGateway id=\"g\" default=\"x\"/>"),
        Fault(
            .defaultFlow,
            "incoming",
            at: "g",
            "<bpmn:exclusiveGateway id=\"g\" default=\"f\"/>" + Models.flow("f", "s", "g")
        ),
        Fault(
            .straightThroughLoop,
            "two tasks",
            at: "a",
            "<bpmn:task id=\"a\"/><bpmn:manualTask id=\"b\"/>" + Models.flow("f1", "a", "b")
                + Models.flow("f2", "b", "a")
        ),
        Fault(
            .straightThroughLoop,
            "a sub-process without waiting",
            at: "u",
            "<bpmn:subProcess id=\"u\"><bpmn:startEvent id=\"us\"/></bpmn:subProcess>" + Models.flow("f1", "u", "u")
        ),
        Fault(.startEventDuplicate, "two none starts", at: "x", "<bpmn:startEvent id=\"x\"/>"),
        Fault(.startEventMissing, "sub-process", at: "u", "<bpmn:subProcess id=\"u\"/>"),
        Fault(
            .startEventKind,
            "sub-process",
            at: "us",
            "<bpmn:subProcess id=\"u\">"
                + Models.timer("startEvent", "id=\"us\"", "timeCycle", "R/PT1H") + "</bpmn:subProcess>"
        ),
        Fault(.startEventIncoming, "flow", at: "s", "<bpmn:task id=\"a\"/>" + Models.flow("f", "a", "s")),
        Fault(
            .endEventOutgoing,
            "flow",
            at: "e",
            "<bpmn:endEvent id=\"e\"/><bpmn:task id=\"a\"/>" + Models.flow("f", "e", "a")
        ),
        Fault(
            .boundaryEventIncoming,
            "flow",
            at: "b",
            Models.service + boundary("b", "", "errorEventDefinition") + Models.flow("f", "t", "b")
        ),
    ]

    static let events: [Fault] = [
        Fault(
            .boundaryEventAttachment,
            "a gateway",
            at: "b",
            "<bpmn:parallelGateway id=\"t\"/>" + boundary("b", "", "errorEventDefinition")
        ),
        Fault(
            .boundaryEventAttachment,
            "another scope",
            at: "b",
            "<bpmn:subProcess id=\"u\"><bpmn:startEvent id=\"us\"/>\(Models.service)</bpmn:subProcess>"
                + boundary("b", "", "errorEventDefinition")
        ),
        Fault(.danglingReference, "attachedToRef", at: "b", boundary("b", "", "errorEventDefinition")),
        Fault(
            .boundaryEventNotInterrupting,
            "error",
            at: "b",
            Models.service + boundary("b", "cancelActivity=\"false\"", "errorEventDefinition")
        ),
        Fault(.eventDefinitionMissing, "catch event", at: "x", "<bpmn:intermediateCatchEvent id=\"x\"/>"),
        Fault(
            .eventDefinitionMissing,
            "boundary event",
            at: "b",
            Models.service + "<bpmn:boundaryEvent id=\"b\" attachedToRef=\"t\"/>"
        ),
        Fault(
            .eventDefinitionNotAllowed,
            "error start",
            at: "x",
            Models.event("startEvent", "id=\"x\"", "errorEventDefinition")
        ),
        Fault(
            .eventDefinitionNotAllowed,
            "timer end",
            at: "x",
            Models.event("endEvent", "id=\"x\"", "timerEventDefinition")
        ),
        Fault(
            .eventGatewayOutgoing,
            "one",
            at: "g",
            "<bpmn:eventBasedGateway id=\"g\"/>"
                + Models.timer("intermediateCatchEvent", "id=\"x\"", "timeDuration", "PT1S")
                + Models.flow("f", "g", "x")
        ),
        Fault(
            .eventGatewayTarget,
            "a task",
            at: "f2",
            "<bpmn:eventBasedGateway id=\"g\"/>\(Models.service)"
                + Models.timer("intermediateCatchEvent", "id=\"x\"", "timeDuration", "PT1S")
                + Models.flow("f1", "g", "x") + Models.flow("f2", "g", "t")
        ),
        Fault(
            .eventGatewayTarget,
            "another way in",
            at: "f1",
            "<bpmn:eventBasedGateway id=\"g\"/><bpmn:task id=\"a\"/>"
                + Models.timer("intermediateCatchEvent", "id=\"x\"", "timeDuration", "PT1S")
                + Models.timer("intermediateCatchEvent", "id=\"y\"", "timeDuration", "PT1S")
                + Models.flow("f1", "g", "x") + Models.flow("f2", "g", "y") + Models.flow("f3", "a", "x")
        ),
        Fault(
            .messageDuplicate,
            "event-based gateway",
            at: "y",
            "<bpmn:eventBasedGateway id=\"g\"/>"
                + Models.event("intermediateCatchEvent", "id=\"x\"", "messageEventDefinition messageRef=\"m\"")
                + Models.event("intermediateCatchEvent", "id=\"y\"", "messageEventDefinition messageRef=\"m\"")
                + Models.flow("f1", "g", "x") + Models.flow("f2", "g", "y"),
            definitions: message
        ),
        Fault(
            .messageDuplicate,
            "start events",
            at: "y",
            Models.event("startEvent", "id=\"x\"", "messageEventDefinition messageRef=\"m\"")
                + Models.event("startEvent", "id=\"y\"", "messageEventDefinition messageRef=\"n\""),
            definitions: message + Models.message("n", "arrived")
        ),
        Fault(
            .startEventVariables,
            "timer",
            at: "x",
            Models.timer("startEvent", "id=\"x\"", "timeCycle", "=cycle(pause)")
        ),
        Fault(
            .startEventVariables,
            "message name",
            at: "x",
            Models.event("startEvent", "id=\"x\"", "messageEventDefinition messageRef=\"m\""),
            definitions: Models.message("m", "=prefix + &quot;-arrived&quot;")
        ),
        Fault(.messageMissing, "receive task", at: "t", "<bpmn:receiveTask id=\"t\"/>"),
        Fault(.danglingReference, "messageRef", at: "t", "<bpmn:receiveTask id=\"t\" messageRef=\"x\"/>"),
        Fault(
            .messageName,
            "none",
            at: "m",
            Models.event("startEvent", "id=\"x\"", "messageEventDefinition messageRef=\"m\""),
            definitions: "<bpmn:message id=\"m\"/>"
        ),
        Fault(
            .correlationKey,
            "none",
            at: "t",
            "<bpmn:receiveTask id=\"t\" messageRef=\"m\"/>",
            definitions: "<bpmn:message id=\"m\" name=\"n\"/>"
        ),
        Fault(
            .correlationKey,
            "literal",
            at: "m",
            "<bpmn:receiveTask id=\"t\" messageRef=\"m\"/>",
            definitions: Models.message("m", "n", key: "orderId")
        ),
        Fault(.errorMissing, "end event", at: "e", Models.event("endEvent", "id=\"e\"", "errorEventDefinition")),
        Fault(
            .danglingReference,
            "errorRef",
            at: "e",
            Models.event("endEvent", "id=\"e\"", "errorEventDefinition errorRef=\"x\"")
        ),
        Fault(
            .errorCode,
            "none to throw",
            at: "e",
            Models.event("endEvent", "id=\"e\"", "errorEventDefinition errorRef=\"r\""),
            definitions: "<bpmn:error id=\"r\"/>"
        ),
        Fault(
            .errorCode,
            "an expression to catch",
            at: "b",
            Models.service + boundary("b", "", "errorEventDefinition errorRef=\"r\""),
            definitions: "<bpmn:error id=\"r\" errorCode=\"=code\"/>"
        ),
        Fault(
            .errorDuplicate,
            "two for all",
            at: "c",
            Models.service + boundary("b", "", "errorEventDefinition") + boundary("c", "", "errorEventDefinition")
        ),
        Fault(
            .errorDuplicate,
            "two of a code",
            at: "c",
            Models.service + boundary("b", "", "errorEventDefinition errorRef=\"r\"")
                + boundary("c", "", "errorEventDefinition errorRef=\"q\""),
            definitions: "<bpmn:error id=\"r\" errorCode=\"E\"/><bpmn:error id=\"q\" errorCode=\"E\"/>"
        ),
        Fault(
            .timerDefinition,
            "none",
            at: "x",
            Models.event("intermediateCatchEvent", "id=\"x\"", "timerEventDefinition")
        ),
    ]

    static let timers: [Fault] = [
        ("startEvent", "timeDuration", "PT1H", ValidationRule.timerNotAllowed),
        ("intermediateCatchEvent", "timeCycle", "R/PT1H", .timerNotAllowed),
        ("intermediateCatchEvent", "timeDuration", "1 hour", .timerLiteral),
        ("intermediateCatchEvent", "timeDuration", "", .timerLiteral),
        ("intermediateCatchEvent", "timeDuration", "P", .timerLiteral),
        ("intermediateCatchEvent", "timeDuration", "P1DT", .timerLiteral),
        ("intermediateCatchEvent", "timeDuration", "PT1M2H", .timerLiteral),
        ("intermediateCatchEvent", "timeDuration", "PT99999999999999999999H", .timerLiteral),
        ("intermediateCatchEvent", "timeDate", "2027-02-29T12:00:00Z", .timerLiteral),
        ("intermediateCatchEvent", "timeDate", "2027-01-31", .timerLiteral),
        ("intermediateCatchEvent", "timeDate", "2027-01-31T12:00:00", .timerLiteral),
        ("intermediateCatchEvent", "timeDate", "2027-01-31T24:00:00Z", .timerLiteral),
        ("intermediateCatchEvent", "timeDate", "=date(", .feelSyntax),
        ("startEvent", "timeCycle", "R", .timerLiteral),
        ("startEvent", "timeCycle", "R-1/PT1H", .timerLiteral),
        ("startEvent", "timeCycle", "R1//PT1H", .timerLiteral),
        ("startEvent", "timeCycle", "R99999999999/PT1H", .timerLiteral),
        ("startEvent", "timeCycle", "R0/PT1H", .timerLiteral),
        ("startEvent", "timeCycle", "R3/-PT1H", .timerLiteral),
        ("startEvent", "timeCycle", "R3/PT0S", .timerLiteral),
        ("startEvent", "timeCycle", "0 61 9 * * MON-FRI", .timerLiteral),
        ("startEvent", "timeCycle", "0 9 * * MON-FRI", .timerLiteral),
        ("startEvent", "timeCycle", "@sometimes", .timerLiteral),
    ].map { Fault($0.3, "\($0.1) \($0.2)", at: "x", Models.timer($0.0, "id=\"x\"", $0.1, $0.2)) }

    static let extensions: [Fault] = [
        ("serviceTask", "", ValidationRule.taskImplementation),
        ("serviceTask", Models.job + "<zeebe:script/>", .taskImplementation),
        ("scriptTask", "", .taskImplementation),
        ("scriptTask", Models.job + "<zeebe:script expression=\"=1\" resultVariable=\"r\"/>", .taskImplementation),
        ("userTask", "<zeebe:userTask/>" + Models.job, .taskImplementation),
        ("serviceTask", "<zeebe:taskDefinition/>", .taskType),
        ("sendTask", "<zeebe:taskDefinition type=\"\"/>", .taskType),
        ("serviceTask", "<zeebe:taskDefinition type=\"a\" retries=\"\"/>", .taskRetries),
        ("serviceTask", "<zeebe:taskDefinition type=\"a\" retries=\"-1\"/>", .taskRetries),
        ("serviceTask", "<zeebe:taskDefinition type=\"a\" retries=\"99999999999\"/>", .taskRetries),
        ("serviceTask", "<zeebe:taskDefinition type=\"=a(\"/>", .feelSyntax),
        ("serviceTask", Models.job + Models.job, .duplicateExtension),
        ("serviceTask", Models.job + "<zeebe:taskHeaders><zeebe:header key=\"\"/></zeebe:taskHeaders>", .taskHeader),
        (
            "serviceTask",
            Models.job + "<zeebe:taskHeaders><zeebe:header key=\"a\"/><zeebe:header key=\"a\"/></zeebe:taskHeaders>",
            .taskHeader
        ),
        ("scriptTask", "<zeebe:script expression=\"1 + 1\" resultVariable=\"r\"/>", .scriptExpression),
        ("scriptTask", "<zeebe:script resultVariable=\"r\"/>", .scriptExpression),
        ("scriptTask", "<zeebe:script expression=\"=1\"/>", .resultVariable),
        ("scriptTask", "<zeebe:script expression=\"=1\" resultVariable=\"a.b\"/>", .resultVariable),
        ("callActivity", "", .calledElement),
        ("callActivity", "<zeebe:calledElement/>", .calledElement),
        ("callActivity", "<zeebe:calledElement processId=\"c\" bindingType=\"newest\"/>", .calledElement),
        ("callActivity", "<zeebe:calledElement processId=\"c\" bindingType=\"versionTag\"/>", .calledElement),
        ("userTask", "<zeebe:userTask/><zeebe:priorityDefinition priority=\"101\"/>", .userTaskSetting),
        ("userTask", "<zeebe:userTask/><zeebe:taskSchedule dueDate=\"tomorrow\"/>", .userTaskSetting),
        ("userTask", "<zeebe:userTask/><zeebe:formDefinition formKey=\"f\"/>", .userTaskSetting),
        ("userTask", "<zeebe:userTask/><zeebe:formDefinition/>", .userTaskSetting),
        ("userTask", "<zeebe:assignmentDefinition assignee=\"=x\"/>", .userTaskSetting),
        ("task", "<zeebe:ioMapping><zeebe:input source=\"=x\"/></zeebe:ioMapping>", .mappingTarget),
        ("task", "<zeebe:ioMapping><zeebe:input source=\"=x\" target=\"a..b\"/></zeebe:ioMapping>", .mappingTarget),
        ("task", "<zeebe:ioMapping><zeebe:output source=\"=x\" target=\"a b\"/></zeebe:ioMapping>", .mappingTarget),
        ("task", "<zeebe:ioMapping><zeebe:output source=\"=x\" target=\"true\"/></zeebe:ioMapping>", .mappingTarget),
        ("task", "<zeebe:ioMapping><zeebe:output source=\"=(x\" target=\"a\"/></zeebe:ioMapping>", .feelSyntax),
        (
            "parallelGateway", "<zeebe:ioMapping><zeebe:output source=\"=x\" target=\"a\"/></zeebe:ioMapping>",
            .mappingNotAllowed
        ),
    ].map { Fault($0.2, "\($0.0) \($0.1)", at: "x", Models.extended($0.0, "id=\"x\"", $0.1)) }

    @Test(arguments: unsupported + flows + events + timers + extensions)
    func `a fault is found once, at its element, and nothing else is`(fault: Fault) throws {
        let text = TestModels.process("<bpmn:startEvent id=\"s\"/>\n" + fault.body, definitions: fault.definitions)

        let found = findings(for: Array(text.utf8))

        #expect(found.map(\.rule) == [fault.rule], "\(found.map(\.description))")
        let finding = try #require(found.first)
        #expect(finding.elementID == fault.elementID)
        #expect(finding.line >= 3)
        #expect(finding.message.hasPrefix("Expected ") && finding.message.contains("but got"))
        if fault.rule == .unsupportedElement {
            #expect(finding.message.contains("not supported yet by this version"))
            #expect(finding.message.contains("'x'"))
        }
    }

    @Test func `a file without an executable process is refused`() {
        let text = TestModels.file("<bpmn:process id=\"p\"><bpmn:complexGateway id=\"c\"/></bpmn:process>")

        #expect(findings(for: Array(text.utf8)).map(\.rule) == [.noExecutableProcess])
    }

    @Test func `a process without a start event is refused`() {
        let text = TestModels.process("<bpmn:task id=\"a\"/>")

        #expect(findings(for: Array(text.utf8)).map(\.rule) == [.startEventMissing])
    }

    @Test func `all faults of a file are reported at once and in file order`() throws {
        let bytes = try TestModels.bytes("bad/many-faults.bpmn")
        let expected = String(decoding: try TestModels.bytes("bad/many-faults.txt"), as: UTF8.self)

        let error = #expect(throws: BPMNError.self) {
            try BPMNParser.parse(bytes, resourceName: "many-faults.bpmn")
        }

        #expect(error.map { $0.description + "\n" } == expected)
    }

    @Test func `a finding has line and column of its element and of the expression inside it`() throws {
        let text = TestModels.process(
            "<bpmn:startEvent id=\"s\"/>\n  <bpmn:task id=\"a\"/>\n<bpmn:task id=\"b\"/>\n"
                + "<bpmn:sequenceFlow id=\"f\" sourceRef=\"a\" targetRef=\"b\">\n"
                + "  <bpmn:conditionExpression>\n    =(1</bpmn:conditionExpression></bpmn:sequenceFlow>\n"
                + "    <bpmn:complexGateway id=\"c\"/>"
        )

        let found = findings(for: Array(text.utf8))

        #expect(found.map(\.rule) == [.feelSyntax, .unsupportedElement])
        #expect(found.map(\.line) == [9, 10])
        #expect(found.last?.column == 5)
    }
}
