/// The process definitions that the load runs, and how often what must happen in an instance of each.
enum LoadModels {
    /// What a finished instance must have behind it.
    struct Shape: Hashable, Sendable {
        /// By element: how many completed jobs.
        var jobs: [String: Int]
        /// Elements that must have completed once.
        var elements: [String]
    }

    static let workType = "drill-work"
    static let flakyType = "drill-flaky"
    static let messageName = "drill-message"
    static let registerEndName = "drill-register-end"
    static let registerProcess = "drill-register"
    static let trapProcess = "drill-trap"
    static let trapElement = "Task_Trap"

    static func processID(_ model: LoadModel) -> String { "drill-\(model.rawValue)" }

    static func shape(_ model: LoadModel) -> Shape {
        switch model {
        case .timer: Shape(jobs: ["Task_Work": 1], elements: ["Event_Wait", "End"])
        case .message: Shape(jobs: [:], elements: ["Event_Message", "End"])
        case .parallel: Shape(jobs: ["Task_Left": 1, "Task_Right": 1], elements: ["Join", "End"])
        case .retries: Shape(jobs: ["Task_Flaky": 1], elements: ["Scope", "End"])
        }
    }

    static func xml(_ model: LoadModel) -> String {
        switch model {
        case .timer:
            self.document(
                self.processID(model),
                """
                <bpmn:startEvent id="Start" />
                <bpmn:intermediateCatchEvent id="Event_Wait">
                  <bpmn:timerEventDefinition id="Timer_1">
                    <bpmn:timeDuration xsi:type="bpmn:tFormalExpression">=delay</bpmn:timeDuration>
                  </bpmn:timerEventDefinition>
                </bpmn:intermediateCatchEvent>
                \(self.task("Task_Work", self.workType))
                <bpmn:endEvent id="End" />
                \(self.flow(1, "Start", "Event_Wait"))\(self.flow(2, "Event_Wait", "Task_Work"))
                \(self.flow(3, "Task_Work", "End"))
                """
            )
        case .message: self.waiting(self.processID(model), element: "Event_Message", message: self.messageName)
        case .parallel:
            self.document(
                self.processID(model),
                """
                <bpmn:startEvent id="Start" />
                <bpmn:parallelGateway id="Fork" />
                \(self.task("Task_Left", self.workType))\(self.task("Task_Right", self.workType))
                <bpmn:parallelGateway id="Join" />
                <bpmn:endEvent id="End" />
                \(self.flow(1, "Start", "Fork"))\(self.flow(2, "Fork", "Task_Left"))
                \(self.flow(3, "Fork", "Task_Right"))\(self.flow(4, "Task_Left", "Join"))
                \(self.flow(5, "Task_Right", "Join"))\(self.flow(6, "Join", "End"))
                """
            )
        case .retries:
            self.document(
                self.processID(model),
                """
                <bpmn:startEvent id="Start" />
                <bpmn:subProcess id="Scope">
                  <bpmn:startEvent id="ScopeStart" />
                  \(self.task("Task_Flaky", self.flakyType))
                  <bpmn:endEvent id="ScopeEnd" />
                  \(self.flow(1, "ScopeStart", "Task_Flaky"))\(self.flow(2, "Task_Flaky", "ScopeEnd"))
                </bpmn:subProcess>
                <bpmn:endEvent id="End" />
                \(self.flow(3, "Start", "Scope"))\(self.flow(4, "Scope", "End"))
                """
            )
        }
    }

    /// An instance whose variables are registers; it ends by a message.
    static let registerXML = Self.waiting(
        Self.registerProcess,
        element: "Event_End",
        message: Self.registerEndName
    )

    /// An instance that comes to an element which ends every process that executes it.
    static let trapXML = Self.document(
        Self.trapProcess,
        """
        <bpmn:startEvent id="Start" />
        <bpmn:intermediateCatchEvent id="Event_Wait">
          <bpmn:timerEventDefinition id="Timer_1">
            <bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT0.2S</bpmn:timeDuration>
          </bpmn:timerEventDefinition>
        </bpmn:intermediateCatchEvent>
        <bpmn:scriptTask id="\(Self.trapElement)">
          <bpmn:extensionElements><zeebe:script expression="=1" resultVariable="passed" /></bpmn:extensionElements>
        </bpmn:scriptTask>
        <bpmn:endEvent id="End" />
        \(Self.flow(1, "Start", "Event_Wait"))\(Self.flow(2, "Event_Wait", Self.trapElement))
        \(Self.flow(3, Self.trapElement, "End"))
        """
    )

    private static func waiting(_ process: String, element: String, message: String) -> String {
        self.document(
            process,
            """
            <bpmn:startEvent id="Start" />
            <bpmn:intermediateCatchEvent id="\(element)">
              <bpmn:messageEventDefinition id="Definition_1" messageRef="Message_1" />
            </bpmn:intermediateCatchEvent>
            <bpmn:endEvent id="End" />
            \(self.flow(1, "Start", element))\(self.flow(2, element, "End"))
            """,
            definitions: """
                <bpmn:message id="Message_1" name="\(message)">
                  <bpmn:extensionElements><zeebe:subscription correlationKey="=drillId" /></bpmn:extensionElements>
                </bpmn:message>
                """
        )
    }

    private static func task(_ id: String, _ type: String) -> String {
        """
        <bpmn:serviceTask id="\(id)">
          <bpmn:extensionElements><zeebe:taskDefinition type="\(type)" retries="3" /></bpmn:extensionElements>
        </bpmn:serviceTask>
        """
    }

    private static func flow(_ number: Int, _ source: String, _ target: String) -> String {
        "<bpmn:sequenceFlow id=\"Flow_\(number)\" sourceRef=\"\(source)\" targetRef=\"\(target)\" />"
    }

    private static func document(_ process: String, _ content: String, definitions: String = "") -> String {
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" \
        xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
        id="Definitions_1" targetNamespace="https://thalweg.example/drills">
        <bpmn:process id="\(process)" isExecutable="true">
        \(content)
        </bpmn:process>
        \(definitions)
        </bpmn:definitions>
        """
    }
}
