import Foundation
import FoundationXML

/// An XML element as a tree, names without their prefixes. For test data only.
final class XMLTree: NSObject, XMLParserDelegate {
    final class Element {
        let name: String
        let attributes: [String: String]
        var text = ""
        var children: [Element] = []

        init(name: String, attributes: [String: String]) {
            self.name = name
            self.attributes = attributes
        }

        func children(_ name: String) -> [Element] { self.children.filter { $0.name == name } }
        func child(_ name: String) -> Element? { self.children.first { $0.name == name } }
    }

    private var stack: [Element] = []
    private var root: Element?

    static func parse(_ url: URL) throws -> Element? {
        let tree = XMLTree()
        let parser = XMLParser(data: try Data(contentsOf: url))
        parser.delegate = tree
        guard parser.parse() else { return nil }
        return tree.root
    }

    private static func local(_ name: String) -> String { String(name.split(separator: ":").last ?? "") }

    func parser(
        _ parser: XMLParser,
        didStartElement elementName: String,
        namespaceURI: String?,
        qualifiedName qName: String?,
        attributes attributeDict: [String: String]
    ) {
        var attributes: [String: String] = [:]
        for (key, value) in attributeDict { attributes[XMLTree.local(key)] = value }
        let element = Element(name: XMLTree.local(elementName), attributes: attributes)
        self.stack.last?.children.append(element)
        if self.root == nil { self.root = element }
        self.stack.append(element)
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        self.stack.last?.text += string
    }

    func parser(_ parser: XMLParser, foundCDATA CDATABlock: Data) {
        self.stack.last?.text += String(decoding: CDATABlock, as: UTF8.self)
    }

    func parser(
        _ parser: XMLParser,
        didEndElement elementName: String,
        namespaceURI: String?,
        qualifiedName qName: String?
    ) {
        self.stack.removeLast()
    }
}
