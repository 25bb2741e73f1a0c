// swift-tools-version: 6.2
import PackageDescription

/// The same rules for every target: Swift 6, no implicit imports across modules, warnings are errors.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let swiftProtobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "thalweg",
    products: [.executable(name: "thalweg", targets: ["thalweg"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
    ],
    targets: [
        // C libraries of the system.
        .systemLibrary(name: "CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
        .systemLibrary(name: "CLibuv", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),

        // Pure cores.
        .target(name: "BPMNModel", swiftSettings: settings),
        .target(name: "Checksum", swiftSettings: settings),
        .target(name: "FEEL", swiftSettings: settings),
        .target(name: "JSON", swiftSettings: settings),
        .target(name: "Linearizability", swiftSettings: settings),
        .target(name: "ProcessEngine", dependencies: ["BPMNModel", "FEEL", "JSON"], swiftSettings: settings),
        .target(name: "RaftCore", swiftSettings: settings),
        .target(name: "ReplicaCore", dependencies: ["ProcessEngine", "RaftCore"], swiftSettings: settings),

        // Edges.
        .target(name: "BPMNParsing", dependencies: ["BPMNModel", "CExpat", "FEEL"], swiftSettings: settings),
        .target(name: "ClusterCertificates", dependencies: ["COpenSSL"], swiftSettings: settings),
        .target(
            name: "ClusterTransport",
            dependencies: ["CLibuv", "COpenSSL", "Checksum", "RaftCore", logging, swiftProtobuf],
            exclude: ["Wire/Wire.proto"],
            swiftSettings: settings
        ),
        .target(
            name: "CommandLineClient",
            dependencies: [
                "ClusterCertificates", "JSON", argumentParser, nioCore, nioHTTP1, nioPosix,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings
        ),
        .target(name: "Gateway", dependencies: ["ProcessEngine"], swiftSettings: settings),
        .target(
            name: "HTTPAPI",
            dependencies: [
                "Gateway", "JSON", "ProcessEngine", hummingbirdCore, lifecycle, logging, nioCore, nioHTTP1, nioPosix,
            ],
            swiftSettings: settings
        ),
        .target(name: "RaftLog", dependencies: ["Checksum", "RaftCore", "SQLite"], swiftSettings: settings),
        .target(name: "SQLite", dependencies: ["CSQLite"], swiftSettings: settings),
        .target(name: "SimulatedDisk", dependencies: ["CSQLite"], swiftSettings: settings),
        .target(name: "StateStore", dependencies: ["ProcessEngine", "SQLite"], swiftSettings: settings),

        // Drivers.
        .target(
            name: "Node",
            dependencies: [
                "BPMNModel", "BPMNParsing", "ClusterCertificates", "ClusterTransport", "FEEL", "Gateway", "JSON",
                "ProcessEngine", "RaftCore", "RaftLog",
                "ReplicaCore", "SQLite", "StateStore", logging, nioPosix,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Drills",
            dependencies: ["JSON", "Linearizability", argumentParser, yams],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "thalweg",
            dependencies: [
                "ClusterCertificates", "CommandLineClient", "Drills", "Gateway", "HTTPAPI", "Node", argumentParser,
                logging, lifecycle, nioCore, nioPosix, unixSignals,
            ],
            swiftSettings: settings
        ),

        .target(
            name: "NodeSimulation",
            dependencies: [
                "BPMNModel", "BPMNParsing", "Linearizability", "ProcessEngine", "RaftCore", "RaftLog", "ReplicaCore",
                "SQLite", "SimulatedDisk", "Simulation", "StateStore",
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Simulation",
            dependencies: ["Linearizability", "RaftCore", "RaftLog", "SQLite", "SimulatedDisk"],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "thalweg-simulate",
            dependencies: ["NodeSimulation", "Simulation", argumentParser],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "thalweg-bench",
            dependencies: ["JSON", "RaftCore", "RaftLog", argumentParser],
            swiftSettings: settings
        ),

        // Tests.
        .testTarget(name: "ArchitectureTests", swiftSettings: settings),
        .testTarget(
            name: "ProcessEngineTests",
            dependencies: ["BPMNModel", "BPMNParsing", "FEEL", "ProcessEngine", "SQLite", "StateStore"],
            exclude: ["Golden", "Models"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "BPMNParsingTests",
            dependencies: ["BPMNModel", "BPMNParsing"],
            exclude: ["Models"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "NodeSimulationTests",
            dependencies: ["NodeSimulation", "Simulation"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ReplicaCoreTests",
            dependencies: [
                "BPMNModel", "BPMNParsing", "ProcessEngine", "RaftCore", "ReplicaCore", "SQLite", "StateStore",
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HTTPAPITests",
            dependencies: [
                "Gateway", "HTTPAPI", "JSON", "ProcessEngine", httpTypes, lifecycle, logging, nioCore, nioHTTP1,
                nioPosix,
                .product(name: "HummingbirdTesting", package: "hummingbird"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "BPMNModel", "BPMNParsing", "Checksum", "ClusterTransport", "FEEL", "HTTPAPI", "JSON", "ProcessEngine",
                "RaftCore",
                "RaftLog", "ReplicaCore", "SQLite", "StateStore", swiftProtobuf,
            ],
            exclude: ["Findings"],
            swiftSettings: settings
        ),
        .testTarget(name: "DrillsTests", dependencies: ["Drills", "JSON"], swiftSettings: settings),
        .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: settings),
        .testTarget(name: "LinearizabilityTests", dependencies: ["Linearizability"], swiftSettings: settings),
        .testTarget(
            name: "NodeTests",
            dependencies: [
                "Gateway", "Node", "ProcessEngine", "RaftCore", "ReplicaCore", "StateStore", logging,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "RaftLogTests",
            dependencies: [
                "Checksum", "ProcessEngine", "RaftCore", "RaftLog", "SQLite", "SimulatedDisk", "StateStore",
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SimulatedDiskTests",
            dependencies: ["SQLite", "SimulatedDisk"],
            swiftSettings: settings
        ),
        .testTarget(name: "ThalwegBenchTests", dependencies: ["JSON", "thalweg-bench"], swiftSettings: settings),
        .testTarget(
            name: "ClusterTransportTests",
            dependencies: ["CLibuv", "COpenSSL", "Checksum", "ClusterTransport", "RaftCore", logging, swiftProtobuf],
            swiftSettings: settings
        ),
        .testTarget(name: "RaftCoreTests", dependencies: ["RaftCore"], swiftSettings: settings),
        .testTarget(name: "SimulationTests", dependencies: ["RaftCore", "Simulation"], swiftSettings: settings),
        .testTarget(name: "SQLiteTests", dependencies: ["SQLite"], swiftSettings: settings),
        .testTarget(
            name: "EndToEndTests",
            // The executable is run by the tests, as a process.
            dependencies: ["JSON", "thalweg"],
            exclude: ["Models", "Python", "Scripts"],
            swiftSettings: settings
        ),
        .testTarget(name: "FEELTests", dependencies: ["FEEL"], swiftSettings: settings),
        .testTarget(
            name: "StateStoreTests",
            dependencies: ["ProcessEngine", "SQLite", "SimulatedDisk", "StateStore"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ClusterCertificatesTests",
            dependencies: ["ClusterCertificates"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "CommandLineClientTests",
            dependencies: [
                "ClusterCertificates", "CommandLineClient", "JSON", argumentParser, nioCore, nioHTTP1, nioPosix,
            ],
            swiftSettings: settings
        ),
    ]
)
