using System.Diagnostics.Metrics;
using System.Globalization;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Tests.Recording;

public sealed class SpanMetricsTests
{
    [Fact]
    public void ToString_OneExporter_IsTheLastLine()
    {
        using var metrics = new SpanMetrics();
        var exporter = metrics.AddExporter("otlp_http_span_exporter");
        for (var i = 0; i < 6; i++) metrics.SpanStarted();
        for (var i = 0; i < 6; i++) metrics.SpanEnded();
        exporter.Export(2);
        exporter.Drop(DropReason.QueueFull, 3);
        exporter.Drop(DropReason.Rejected);
        Assert.Equal("6 spans started, 2 exported, 4 dropped (queue_full 3, rejected 1)", metrics.ToString());
    }

    [Fact]
    public void ToString_NothingHappened_SaysSo()
    {
        using var metrics = new SpanMetrics();
        metrics.AddExporter("otlp_http_span_exporter");
        Assert.Equal("0 spans started, 0 exported, 0 dropped", metrics.ToString());
    }

    [Fact]
    public void ToString_TwoExportersAndALiveSpan_NamesEach()
    {
        using var metrics = new SpanMetrics();
        metrics.AddExporter("otlp_http_span_exporter").Export(1);
        metrics.AddExporter("zipkin_http_span_exporter").ObserveQueue(() => (1, 100, 1000));
        metrics.SpanStarted();
        metrics.SpanStarted();
        metrics.SpanEnded();
        Assert.Equal(
            "2 spans started; otlp_http_span_exporter/0: 1 exported, 0 dropped; zipkin_http_span_exporter/0: 0 exported, 0 dropped, 1 in flight, 1 not ended",
            metrics.ToString());
    }

    [Fact]
    public void ToString_LastWithSpansInFlight_CountsThemAsDropped()
    {
        using var metrics = new SpanMetrics();
        var exporter = metrics.AddExporter("otlp_http_span_exporter");
        exporter.ObserveQueue(() => (5, 100, 1000));
        for (var i = 0; i < 8; i++) metrics.SpanStarted();
        for (var i = 0; i < 8; i++) metrics.SpanEnded();
        exporter.Export(2);
        exporter.Drop(DropReason.Shutdown);
        Assert.Equal("8 spans started, 2 exported, 6 dropped (shutdown 6)", metrics.ToString(isLast: true, isRecording: false));
    }

    [Fact]
    public void ToString_SomeRequestsAreRefused_SaysTheDecisions()
    {
        using var metrics = new SpanMetrics();
        for (var i = 0; i < 12; i++) metrics.Decided(DecisionReason.CallerYes, isRecorded: true);
        for (var i = 0; i < 3; i++) metrics.Decided(DecisionReason.HealthCheck, isRecorded: false);
        for (var i = 0; i < 1190; i++) metrics.Decided(DecisionReason.CallerNo, isRecorded: false);
        metrics.DecisionTakenBack(new SamplingDecision(IsRecorded: false, DecisionReason.HealthCheck, Threshold: null));
        Assert.Equal(
            "0 spans started; 1204 requests and root spans: 12 recorded, 1192 not (the caller said no: 1190, a health check: 2)",
            metrics.ToString(isLast: true, isRecording: false));
    }

    [Fact]
    public void ToString_AllRequestsAreRecorded_SaysNothingOfDecisions()
    {
        using var metrics = new SpanMetrics();
        metrics.AddExporter("otlp_http_span_exporter");
        metrics.Decided(DecisionReason.CallerYes, isRecorded: true);
        Assert.Equal("0 spans started, 0 exported, 0 dropped", metrics.ToString());
    }

    [Fact]
    public void Reasons_All_HaveANameAndWordsOfTheirOwn()
    {
        var reasons = Enum.GetValues<DecisionReason>();
        Assert.Equal(reasons.Length, DecisionReasons.Count);
        Assert.Equal(reasons.Length, reasons.Select(r => r.Name()).Distinct().Count());
        Assert.Equal(reasons.Length, reasons.Select(r => r.Words()).Distinct().Count());
        Assert.All(reasons, r => Assert.Equal(r.ToString(), r.Name().Replace("_", "", StringComparison.Ordinal), ignoreCase: true));
    }

    [Fact]
    public void Meter_Observed_HasTheConventionsNames()
    {
        using var metrics = new SpanMetrics();
        var exporter = metrics.AddExporter("otlp_http_span_exporter");
        exporter.ObserveQueue(() => (2, 100, 1000));
        exporter.Sending = 1;
        for (var i = 0; i < 8; i++) metrics.SpanStarted();
        for (var i = 0; i < 7; i++) metrics.SpanEnded();
        exporter.Export(3);
        exporter.Drop(DropReason.QueueFull);
        exporter.Drop(DropReason.Rejected);
        exporter.Retry();
        for (var i = 0; i < 5; i++) metrics.UnsampledStarted();
        for (var i = 0; i < 2; i++) metrics.Decided(DecisionReason.CallerYes, isRecorded: true);
        for (var i = 0; i < 4; i++) metrics.Decided(DecisionReason.CallerNo, isRecorded: false);
        metrics.Decided(DecisionReason.Ratio, isRecorded: false);

        var measured = new SortedSet<string>(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == SpanMetrics.MeterName && metrics.Owns(instrument.Meter)) listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            measured.Add($"{instrument.Name} {value} {instrument.Unit} {string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}".TrimEnd()));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) =>
            measured.Add($"{instrument.Name} {value.ToString(CultureInfo.InvariantCulture)} {instrument.Unit} {string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}"));
        listener.Start();
        exporter.OnRequest!(0.25, 503, null, "503");
        listener.RecordObservableInstruments();
        Snapshot.Match(string.Join('\n', measured));
    }

    [Fact]
    public void Started_FromManyThreads_IsExact()
    {
        using var metrics = new SpanMetrics();
        Parallel.For(0, 8, _ =>
        {
            for (var i = 0; i < 10_000; i++) metrics.SpanStarted();
        });
        Assert.Equal(80_000, metrics.Started);
    }
}
