using Microsoft.Extensions.Time.Testing;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Recording;

public sealed class NothingTracedMonitorTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly LogCollector _log = new();
    private MeshTracingOptions _options = new();
    private readonly SpanMetrics _metrics;
    private NothingTracedMonitor? _monitor;

    public NothingTracedMonitorTests() => _metrics = new SpanMetrics(_time);

    public void Dispose()
    {
        _monitor?.Dispose();
        _metrics.Dispose();
    }

    [Fact]
    public void Callers_AHundredSayNo_IsSaidWithTheFix()
    {
        Start();
        Refuse(DecisionReason.CallerNo, 100);
        Advance(seconds: 5);
        Assert.Equal(
            "None of the first 100 requests whose callers decided is recorded (the caller said no: 100). Their trace headers say so (a traceparent that ends in -00, or x-b3-sampled: 0): "
            + "the proxy or the service in front does not sample. Raise its share (random_sampling of Envoy, randomSamplingPercentage in a Telemetry resource of Istio), "
            + "set MeshTracing:Sampling:DeferUnsampledParent if it has decided nothing, or MeshTracing:Trust:Default to TrustIdsOnly, so that this service decides.",
            Line);
    }

    [Theory]
    [InlineData("w3c", "Their traceparent ends in -00: ")]
    [InlineData("b3", "Their B3 headers say 0 (x-b3-sampled, or the state in b3): ")]
    public void Callers_SayNo_TheirHeaderIsNamed(string format, string sentence)
    {
        Start();
        _metrics.Refusals.Add(DecisionReason.CallerNo, "/", format);
        Refuse(DecisionReason.CallerNo, 100);
        Advance(seconds: 5);
        Assert.Contains(sentence, Line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(20, 60, 1)]
    [InlineData(20, 55, 0)]
    [InlineData(19, 60, 0)]
    [InlineData(99, 55, 0)]
    public void Callers_SayNo_ManyRequestsOrAMinuteAreWaitedFor(int requests, int seconds, int lines)
    {
        Start();
        Refuse(DecisionReason.CallerNo, requests);
        Advance(seconds);
        Assert.Equal(lines, Lines.Count);
    }

    [Fact]
    public void Callers_SayNoWhileOtherSpansArrive_IsSaid()
    {
        Start();
        Record(DecisionReason.Ratio, 10, exported: 10);
        Advance(seconds: 30);
        Refuse(DecisionReason.CallerNo, 100);
        Advance(seconds: 5);
        Assert.Contains("None of the first 100 requests whose callers decided", Line, StringComparison.Ordinal);
    }

    [Fact]
    public void Callers_OneSaysYes_NothingIsSaid()
    {
        Start();
        Refuse(DecisionReason.CallerNo, 1000);
        Record(DecisionReason.CallerYes, 1, exported: 1);
        Advance(seconds: 600);
        Assert.Empty(Lines);
    }

    [Fact]
    public void Callers_SayNoLongAfterSpansHaveArrived_NothingIsSaid()
    {
        Start();
        Record(DecisionReason.Ratio, 10, exported: 10);
        Advance(seconds: 600);
        Refuse(DecisionReason.CallerNo, 1000);
        Advance(seconds: 600);
        Assert.Empty(Lines);
    }

    [Fact]
    public void Ratio_IsZeroForAMinute_IsSaidWithTheSetting()
    {
        _options.Sampling.Ratio = 0;
        _options.Origins["Sampling:Ratio"] = "OTEL_TRACES_SAMPLER";
        Start();
        Refuse(DecisionReason.Ratio, 3);
        Advance(seconds: 60);
        Assert.Equal("None of the first 3 requests and root spans is recorded (the ratio: 3). OTEL_TRACES_SAMPLER makes the ratio 0: raise it.", Line);
    }

    [Fact]
    public void Ratio_RecordsFew_NothingIsSaid()
    {
        _options.Sampling.Ratio = 0.001;
        Start();
        Refuse(DecisionReason.Ratio, 900);
        Advance(seconds: 600);
        Assert.Empty(Lines);
    }

    [Fact]
    public void Ratio_BecomesZeroByAReload_IsSaid()
    {
        _options.Sampling.Ratio = 0.001;
        Start();
        _options = new MeshTracingOptions { Sampling = { Ratio = 0 } };
        Refuse(DecisionReason.Ratio, 3);
        Advance(seconds: 60);
        Assert.Contains("makes the ratio 0", Line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(nameof(DecisionReason.Rule), "Change MeshTracing:Sampling:Rules.")]
    [InlineData(nameof(DecisionReason.Rate), "Change MeshTracing:Sampling:Rules.")]
    [InlineData(nameof(DecisionReason.Ignored), "MeshTracing:Ignore:Paths and DisableTracing() leave requests out.")]
    [InlineData(nameof(DecisionReason.IgnoredByCode), "A function in MeshTracingOptions.Ignore leaves them out.")]
    [InlineData(nameof(DecisionReason.Cleared), "Code of the application or another library removes Recorded from Activity.ActivityTraceFlags.")]
    [InlineData(nameof(DecisionReason.IgnoredSource), "MeshTracing:Ignore:RootSources names their sources.")]
    public void Requests_AllRefusedForOneReason_TheReasonAndTheFixAreSaid(string name, string fix)
    {
        var reason = Enum.Parse<DecisionReason>(name);
        Start();
        Refuse(reason, 19);
        Refuse(DecisionReason.HealthCheck, 50);
        Advance(seconds: 60);
        Assert.Empty(Lines);

        Refuse(reason, 1);
        Advance(seconds: 5);
        Assert.Equal($"None of the first 20 requests and root spans is recorded ({reason.Words()}: 20). {fix}", Line);
    }

    [Theory]
    [InlineData(nameof(DecisionReason.HealthCheck))]
    [InlineData(nameof(DecisionReason.BackgroundPoll))]
    [InlineData(nameof(DecisionReason.AnotherHost))]
    [InlineData(nameof(DecisionReason.Suppressed))]
    public void Requests_OfNoInterest_NothingIsSaid(string reason)
    {
        Start();
        Refuse(Enum.Parse<DecisionReason>(reason), 1000);
        Advance(seconds: 600);
        Assert.Empty(Lines);
    }

    [Fact]
    public void Requests_None_NothingIsSaid()
    {
        Start();
        Advance(seconds: 3600);
        Assert.Empty(Lines);
    }

    [Theory]
    [InlineData(nameof(DropReason.Unencodable), "dropped (unencodable 12). The value of a tag throws when it is formatted: set text or a number.")]
    [InlineData(nameof(DropReason.TooLarge), "dropped (too_large 12). Spans of more than 4 MiB are not sent: lower OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT.")]
    public void Spans_AllDropped_IsSaidAfterAMinute(string reason, string end)
    {
        _metrics.AddExporter("otlp_http_span_exporter").Drop(Enum.Parse<DropReason>(reason), 12);
        Start();
        Record(DecisionReason.CallerYes, 12, exported: 0);
        Advance(seconds: 60);
        Assert.Empty(Lines);

        Advance(seconds: 10);
        Assert.Equal($"Spans end, and none has been exported: 12 spans started, 0 exported, 12 {end}", Line);
    }

    [Fact]
    public void Spans_AllDroppedByTheHook_IsSaidAfterAMinute()
    {
        _options.Export.BeforeExport = static span => span.Drop();
        _metrics.AddExporter("otlp_http_span_exporter");
        Start();
        Drop(20);
        _metrics.SpanStarted();
        Advance(seconds: 55);
        Assert.Empty(Lines);

        Advance(seconds: 5);
        Assert.Equal(
            "Spans end, and none has been exported: 21 spans started, 0 exported, 0 dropped, 20 left out, 1 not ended. The function in MeshTracingOptions.Export.BeforeExport has dropped all of them.",
            Line);
    }

    [Fact]
    public void Spans_SomeDroppedByTheHook_NothingIsSaid()
    {
        _options.Export.BeforeExport = static span => span.Drop();
        Start();
        Drop(100);
        Record(DecisionReason.Ratio, 1, exported: 1);
        Advance(seconds: 600);
        Assert.Empty(Lines);
    }

    [Fact]
    public void Spans_CannotBeExported_TheLineOfTheExporterIsNotRepeated()
    {
        _metrics.AddExporter("otlp_http_span_exporter").State.LastFailure = new ExporterState.Problem("Nothing answers.", _time.GetUtcNow());
        Start();
        Record(DecisionReason.CallerYes, 12, exported: 0);
        Advance(seconds: 600);
        Assert.Empty(Lines);
    }

    [Fact]
    public void Spans_Arrive_NothingIsSaid()
    {
        _metrics.AddExporter("otlp_http_span_exporter");
        Start();
        Record(DecisionReason.CallerYes, 12, exported: 12);
        Advance(seconds: 600);
        Assert.Empty(Lines);
    }

    [Fact]
    public void Line_Written_IsTheOnlyOne()
    {
        _options.Sampling.Ratio = 0;
        Start();
        Refuse(DecisionReason.Ratio, 100);
        Advance(seconds: 60);
        Refuse(DecisionReason.CallerNo, 1000);
        Advance(seconds: 600);
        Assert.Single(Lines);
    }

    private IReadOnlyList<string> Lines => _log.OfTracing;
    private string Line => Assert.Single(Lines);

    private void Start()
    {
        _monitor = new NothingTracedMonitor(() => _options, _metrics, _log.CreateLogger("Tracing.Sdk"), _time);
        _monitor.Start();
    }

    private void Advance(int seconds)
    {
        for (var i = 0; i < seconds; i += 5) _time.Advance(TimeSpan.FromSeconds(5));
    }

    private void Refuse(DecisionReason reason, int count)
    {
        for (var i = 0; i < count; i++) _metrics.Decided(reason, isRecorded: false);
    }

    private void Drop(int count)
    {
        for (var i = 0; i < count; i++)
        {
            _metrics.Decided(DecisionReason.Ratio, isRecorded: true);
            _metrics.SpanStarted();
            _metrics.SpanLeftOut();
        }
    }

    private void Record(DecisionReason reason, int count, int exported)
    {
        for (var i = 0; i < count; i++)
        {
            _metrics.Decided(reason, isRecorded: true);
            _metrics.SpanStarted();
            _metrics.SpanEnded();
        }

        if (_metrics.Exporters.Count == 0) _metrics.AddExporter("otlp_http_span_exporter");
        _metrics.Exporters[0].Export(exported);
    }
}
