import BPMNModel
import BPMNParsing
import ProcessEngine

/// The processes that run in the world. Each needs something else to end.
enum SimulatedModels: String, CaseIterable {
    /// One job.
    case single
    /// Two jobs side by side.
    case parallel
    /// A second and a half of waiting.
    case timer
    /// A message.
    case message
    /// A job that fails, first with retries and then for good, inside a scope that a timer looks into.
    case risky
    /// A job that nobody takes before the faults are over: its instance is a register.
    case hold

    var resource: DeploymentResource {
        DeploymentResource(name: "\(rawValue).bpmn", content: Array(text.utf8))
    }

    private var text: String {
        """
        <definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" \
        xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t">\
        <process id="\(rawValue)" isExecutable="true"><startEvent id="s"/>\(inside)<endEvent id="e"/></process>\
        <message id="go" name="go"><extensionElements><zeebe:subscription correlationKey="=key"/></extensionElements>\
        </message></definitions>
        """
    }

    private var inside: String {
        switch self {
        case .single: Self.task("t", type: "work") + Self.flows(["s", "t", "e"])
        case .hold: Self.task("t", type: "hold") + Self.flows(["s", "t", "e"])
        case .parallel:
            "<parallelGateway id=\"f\"/><parallelGateway id=\"j\"/>" + Self.task("t", type: "work")
                + Self.task("u", type: "work") + Self.flows(["s", "f", "t", "j", "e"]) + Self.flows(["f", "u", "j"])
        case .timer:
            "<intermediateCatchEvent id=\"t\"><timerEventDefinition><timeDuration>PT1.5S</timeDuration>"
                + "</timerEventDefinition></intermediateCatchEvent>" + Self.flows(["s", "t", "e"])
        case .message:
            "<intermediateCatchEvent id=\"t\"><messageEventDefinition messageRef=\"go\"/></intermediateCatchEvent>"
                + Self.flows(["s", "t", "e"])
        case .risky:
            "<subProcess id=\"p\"><startEvent id=\"ps\"/>" + Self.task("t", type: "risky", retries: 2)
                + "<endEvent id=\"pe\"/>" + Self.flows(["ps", "t", "pe"]) + "</subProcess>"
                + "<boundaryEvent id=\"b\" attachedToRef=\"p\" cancelActivity=\"false\"><timerEventDefinition>"
                + "<timeDuration>PT2S</timeDuration></timerEventDefinition></boundaryEvent><endEvent id=\"be\"/>"
                + Self.flows(["s", "p", "e"]) + Self.flows(["b", "be"])
        }
    }

    private static func task(_ id: String, type: String, retries: Int = 3) -> String {
        "<serviceTask id=\"\(id)\"><extensionElements><zeebe:taskDefinition type=\"\(type)\" retries=\"\(retries)\"/>"
            + "</extensionElements></serviceTask>"
    }

    private static func flows(_ ids: [String]) -> String {
        zip(ids, ids.dropFirst()).map {
            "<sequenceFlow id=\"\($0)-\($1)\" sourceRef=\"\($0)\" targetRef=\"\($1)\"/>"
        }.joined()
    }
}

/// Reads the models as a node does.
struct SimulatedModelReader: ModelReader {
    func models(in content: [UInt8], resourceName: String) throws(Rejection) -> [ProcessModel] {
        do {
            return try BPMNParser.parse(content, resourceName: resourceName).processes
        } catch {
            throw Rejection(.invalidArgument, error.description)
        }
    }
}

extension VariableDocument {
    /// One variable.
    static func one(_ name: String, _ value: String) -> VariableDocument {
        VariableDocument([.init(name: name, value: Array(value.utf8))])
    }
}
