using System.Runtime.InteropServices;
using MeshDemo.Collecting;
using MeshDemo.Processes;
using MeshDemo.Traces;

namespace MeshDemo;

/// <summary>Starts the mesh, sends requests, prints their trees and keeps serving.</summary>
internal sealed class Demo(DemoOptions options)
{
    private static readonly TimeSpan TraceTimeout = TimeSpan.FromSeconds(15), BetweenLooks = TimeSpan.FromMilliseconds(50);

    // An order, one that is not there, an error from below, a retry and a slow query.
    private static readonly string[] Requests = ["/orders/1", "/orders/404", "/broken", "/retry", "/slow"];

    private readonly HttpClient _http = LocalHttp.CreateClient();
    private readonly TreePrinter _printer = TreePrinter.ForConsole();

    /// <summary>0 when every tree was whole, 1 otherwise.</summary>
    public async Task<int> RunAsync()
    {
        using var stop = new CancellationTokenSource();
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var hungUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);

        try
        {
            return await RunAsync(stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or DemoException && stop.IsCancellationRequested)
        {
            // Ctrl+C in a terminal reaches a part that is just starting too, which then ends before it is ready.
            return 0;
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
    }

    private async Task<int> RunAsync(CancellationToken stop)
    {
        var envoy = EnvoyBinary.Find(options.EnvoyPath);
        Announce(envoy);

        // The mesh is disposed of first: its last spans still find the backend.
        await using var backend = options.Backend;
        if (backend is not null)
            await backend.StartAsync(options.Formats, _http, stop);
        await using var mesh = await Mesh.StartAsync(options, envoy, stop);
        var sending = SendAllAsync(mesh, stop);
        var broken = mesh.WhenBrokenAsync();
        if (await Task.WhenAny(sending, broken) == broken)
            throw await ReasonAsync(broken, stop);

        var exitCode = await sending;
        if (options.Once)
            return exitCode;

        Console.WriteLine($"The page with the traces: {mesh.Collector}");
        Console.WriteLine($"Send your own requests:   curl -i {new Uri(mesh.Front, "orders/2")}");
        Console.WriteLine($"What is traced, and why:  curl {new Uri(mesh.Front, "debug/tracing")}");
        Console.WriteLine("Ctrl+C ends it all.");
        throw await ReasonAsync(broken, stop);
    }

    private void Announce(EnvoyBinary? envoy)
    {
        if (envoy is null && options.Tracer == Tracer.OpenTelemetry)
            throw new DemoException($"There is no Envoy here, and the built-in stand-in cannot do what its OpenTelemetry tracer does: install one with '{EnvoyBinary.InstallHint}'.");
        Console.WriteLine(envoy is null
            ? $"There is no Envoy here, so a small STAND-IN proxy takes its place: install the real one with '{EnvoyBinary.InstallHint}'."
            : $"Envoy: {envoy}, samples/envoy/{EnvoyConfiguration.FileName(options.Tracer)}");
        Console.WriteLine();
    }

    private async Task<int> SendAllAsync(Mesh mesh, CancellationToken stop)
    {
        var exitCode = 0;
        foreach (var path in options.Once ? Requests.Take(1) : Requests)
        {
            var missing = await SendAsync(mesh, path, stop);
            if (missing.Count == 0)
                continue;
            exitCode = 1;
            Console.Error.WriteLine(options.Backend is { CanFindTraces: true } ? "The tree that the backend answers is not whole:" : "The tree is not whole:");
            foreach (var fault in missing)
                Console.Error.WriteLine($"  {fault}");
            Console.Error.WriteLine();
        }

        return exitCode;
    }

    // Sends one request, waits for its trace and prints it; returns what is missing.
    private async Task<IReadOnlyList<string>> SendAsync(Mesh mesh, string path, CancellationToken stop)
    {
        var start = TimeProvider.System.GetTimestamp();
        using var answer = await _http.GetAsync(new Uri(mesh.Front, path), stop);
        var took = TimeProvider.System.GetElapsedTime(start);
        Console.WriteLine($"GET {path} -> {(int)answer.StatusCode} after {TreePrinter.Milliseconds((long)took.TotalMicroseconds)}");
        if (!answer.Headers.TryGetValues("x-trace-id", out var values))
            return ["the front proxy did not name the trace in x-trace-id"];

        var traceId = values.First();
        var (tree, missing) = await WaitForTreeAsync(mesh, traceId, stop);
        Console.WriteLine($"trace {traceId}, {Count(tree.Nodes.Count(), "span")}{(missing.Count == 0 ? ", one tree" : "")}");
        _printer.Print(tree);
        if (options.Backend is { } backend)
            Console.WriteLine(backend.Link(traceId));
        Console.WriteLine();
        return missing;
    }

    // Four programs send spans at times of their own, so the trace is read until it is whole or the time is over.
    private async Task<(TraceTree Tree, IReadOnlyList<string> Missing)> WaitForTreeAsync(Mesh mesh, string traceId, CancellationToken stop)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var tree = TraceTree.Of(await FindTraceAsync(mesh, traceId, stop));
            var missing = mesh.Shape.Missing(tree).ToArray();
            if (missing.Length == 0 || TimeProvider.System.GetElapsedTime(start) > TraceTimeout)
                return (tree, missing);
            await Task.Delay(BetweenLooks, stop);
        }
    }

    // From the backend, if it can be asked: a span that it lost is then missing here too.
    private async Task<IEnumerable<Span>> FindTraceAsync(Mesh mesh, string traceId, CancellationToken stop)
    {
        if (options.Backend is { CanFindTraces: true } backend)
            return await backend.FindTraceAsync(traceId, _http, stop);
        using var answer = await _http.GetAsync(new Uri(mesh.Collector, $"api/traces/{traceId}"), stop);
        var view = answer.IsSuccessStatusCode ? await answer.Content.ReadFromJsonAsync<TraceView>(stop) : null;
        return view?.Rows.Select(row => row.Span) ?? [];
    }

    // Ctrl+C in a terminal reaches every program at once: a part that ends because of it is not broken.
    private static async Task<Exception> ReasonAsync(Task<DemoException> broken, CancellationToken stop)
    {
        var reason = await broken.WaitAsync(stop);
        await Task.Delay(TimeSpan.FromMilliseconds(500), stop);
        return reason;
    }

    private static string Count(int number, string what) => number == 1 ? $"1 {what}" : $"{number} {what}s";
}
