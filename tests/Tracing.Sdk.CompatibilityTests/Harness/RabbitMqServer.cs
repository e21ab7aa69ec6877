using MeshDemo.Processes;

namespace Tracing.Sdk.CompatibilityTests.Harness;

/// <summary>A real RabbitMQ on ports of its own.</summary>
internal sealed class RabbitMqServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly ChildProcess _process;
    private readonly int _epmdPort;

    private RabbitMqServer(ChildProcess process, int epmdPort, Uri uri) => (_process, _epmdPort, Uri) = (process, epmdPort, uri);

    public Uri Uri { get; }

    /// <param name="program">The program <c>rabbitmq-server</c>.</param>
    /// <param name="home">An empty folder.</param>
    public static async Task<RabbitMqServer> StartAsync(string program, string home)
    {
        var (port, epmdPort) = (LocalPort.Free(), LocalPort.Free());
        var environment = new Dictionary<string, string>
        {
            ["HOME"] = home,
            // The machine's own RabbitMQ, if it has one, stays out of it.
            ["RABBITMQ_CONF_ENV_FILE"] = "/dev/null",
            ["RABBITMQ_CONFIG_FILE"] = Path.Combine(home, "none"),
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(home, "plugins"),
            ["RABBITMQ_NODENAME"] = $"tracing{port}@localhost",
            ["RABBITMQ_NODE_IP_ADDRESS"] = "127.0.0.1",
            ["RABBITMQ_NODE_PORT"] = $"{port}",
            ["RABBITMQ_DIST_PORT"] = $"{LocalPort.Free()}",
            ["RABBITMQ_MNESIA_BASE"] = home,
            ["RABBITMQ_LOG_BASE"] = home,
            ["RABBITMQ_LOGS"] = "-",
            ["ERL_EPMD_PORT"] = $"{epmdPort}",
            ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
        };
        var process = ChildProcess.Start("RabbitMQ", program, [], environment);
        var server = new RabbitMqServer(process, epmdPort, new Uri($"amqp://guest:guest@{LocalPort.Address(port)}"));
        try
        {
            await process.WaitForLineAsync(line => line.Contains("Server startup complete", StringComparison.Ordinal) ? line : null, "get ready", Patience, CancellationToken.None);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        // Erlang's port mapper outlives the server that has started it.
        await using var epmd = ChildProcess.Start("epmd", "epmd", ["-port", $"{_epmdPort}", "-kill"]);
        await epmd.Exited.WaitAsync(Patience);
    }
}
