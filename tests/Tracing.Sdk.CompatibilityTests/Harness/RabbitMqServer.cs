using MeshDemo.Processes;

namespace Tracing.Sdk.CompatibilityTests.Harness;

/// <summary>A real RabbitMQ on ports of its own.</summary>
internal sealed class RabbitMqServer : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly ChildProcess _portMapper;

    private RabbitMqServer(ChildProcess process, ChildProcess portMapper, Uri uri) => (_process, _portMapper, Uri) = (process, portMapper, uri);

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
        // Erlang would start its port mapper as a daemon, which outlives the server and a killed run of tests. With -d it says when it is ready.
        var portMapper = ChildProcess.Start("epmd", "epmd", ["-d", "-port", $"{epmdPort}", "-address", "127.0.0.1"]);
        ChildProcess? process = null;
        try
        {
            await WaitAsync(portMapper, "epmd running");
            process = ChildProcess.Start("RabbitMQ", program, [], environment);
            await WaitAsync(process, "Server startup complete");
            return new RabbitMqServer(process, portMapper, new Uri($"amqp://guest:guest@{LocalPort.Address(port)}"));
        }
        catch
        {
            if (process is not null) await process.DisposeAsync();
            await portMapper.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        await _portMapper.DisposeAsync();
    }

    private static Task<string> WaitAsync(ChildProcess process, string readyLine) =>
        process.WaitForLineAsync(line => line.Contains(readyLine, StringComparison.Ordinal) ? line : null, "get ready", Patience.Limit, CancellationToken.None);
}
