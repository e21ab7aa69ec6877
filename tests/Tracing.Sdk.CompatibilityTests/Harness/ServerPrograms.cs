namespace Tracing.Sdk.CompatibilityTests.Harness;

/// <summary>The servers that these tests start. Without one of them a test is skipped with the sentence that says how to get it.</summary>
internal static class ServerPrograms
{
    // Set to 1 where the programs must be there (CI): then a test that cannot run is a test that failed.
    private const string RequiredVariable = "MESH_TOOLS_REQUIRED";

    // Debian has them outside of the path.
    private static readonly string[] Folders =
    [
        .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
        "/usr/lib/rabbitmq/bin",
        "/usr/sbin",
        .. Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().Select(version => Path.Combine(version, "bin")) : [],
    ];

    public static string RequireRabbitMq() => Require("rabbitmq-server", "RabbitMQ", preferred: "/usr/lib/rabbitmq/bin");

    public static string RequireRedis() => Require("redis-server", "Redis");

    public static string RequireNats() => Require("nats-server", "NATS");

    public static string RequireMariaDb() => Require("mariadbd", "MariaDB", package: "mariadb-server");

    /// <summary>Where <c>postgres</c> and <c>initdb</c> are.</summary>
    public static string RequirePostgres() => Path.GetDirectoryName(Require("initdb", "PostgreSQL", package: "postgresql"))!;

    private static string Require(string program, string name, string? package = null, string? preferred = null)
    {
        var path = (preferred is null ? Folders : [preferred, .. Folders]).Select(folder => Path.Combine(folder, program)).FirstOrDefault(Exists);
        if (path is not null) return path;
        var sentence = $"{name} is not here: install it, on Debian with `apt-get install {package ?? program}`, so that `{program}` is in the path.";
        if (Environment.GetEnvironmentVariable(RequiredVariable) == "1") Assert.Fail($"{sentence} ({RequiredVariable} is 1.)");
        Skip.If(true, sentence);
        return "";
    }

    // File.Exists is true of a link to nothing.
    private static bool Exists(string path) => File.Exists(path) && File.ResolveLinkTarget(path, returnFinalTarget: true) is not { Exists: false };
}
