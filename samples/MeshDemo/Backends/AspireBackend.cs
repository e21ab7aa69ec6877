using MeshDemo.Processes;
using MeshDemo.Traces;

namespace MeshDemo.Backends;

/// <summary>Aspire's dashboard, which NuGet brings and the demo starts. Its API is asked for each trace.</summary>
internal sealed class AspireBackend : Backend
{
    private AspireDashboard? _dashboard;

    public override string Option => "--aspire";

    public override SpanFormats Formats => SpanFormats.Otlp;

    public override Uri? Otlp => _dashboard?.OtlpHttp;

    public override ChildProcess? Process => _dashboard?.Process;

    public override bool CanFindTraces => true;

    // Valid once it is started, as the base class says.
    private AspireDashboard Dashboard => _dashboard!;

    public override async Task StartAsync(SpanFormats used, HttpClient http, CancellationToken cancellation)
    {
        Console.WriteLine("Aspire's dashboard comes from NuGet. The first time, that is a download of 40 MB.");
        Console.WriteLine();
        _dashboard = await AspireDashboard.StartAsync(await AspireDashboard.RestoreAsync(cancellation), cancellation: cancellation);
    }

    public override string Link(string traceId) => $"Read back from Aspire's dashboard, which ends with the demo: {Dashboard.TracePage(traceId)}";

    public override async Task<IReadOnlyList<Span>> FindTraceAsync(string traceId, HttpClient http, CancellationToken cancellation)
    {
        try
        {
            return await Dashboard.FindTraceAsync(traceId, http, cancellation);
        }
        catch (HttpRequestException e)
        {
            throw new DemoException($"The API of Aspire's dashboard at {Dashboard.Page} does not answer any more: {e.Message}");
        }
    }
}
