using System.Diagnostics.Metrics;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Export;

/// <summary>A MeterListener hears every meter of the process, and its callbacks run inside the measured code.</summary>
[Collection(Alone.Name)]
public sealed class ThrowingMeterListenerTests
{
    [Fact]
    public void Export_MeasurementCallbackThrows_CountsWhatWasDelivered()
    {
        using var metrics = new SpanMetrics();
        using var listener = new MeterListener { InstrumentPublished = (instrument, self) =>
        {
            if (metrics.Owns(instrument.Meter)) self.EnableMeasurementEvents(instrument);
        } };
        var calls = 0;
        listener.SetMeasurementEventCallback<double>((_, _, _, _) =>
        {
            calls++;
            throw new InvalidOperationException("no measurement today");
        });
        listener.Start();
        using var handler = new StubHandler();
        using var exporter = new ExporterUnderTest(
            FaultTests.Unused(), settings => settings with { HandlerFactory = () => handler }, metrics: metrics.AddExporter("otlp_http_span_exporter"));
        Assert.True(exporter.Add(20).Flush());
        exporter.AssertCounts(exported: 20);
        Assert.Equal(1, calls);
    }

    [Fact]
    public void Start_PublishingCallbackThrows_StartsAndStops()
    {
        var calls = 0;
        using var listener = new MeterListener { InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name != SpanMetrics.MeterName) return;
            calls++;
            self.EnableMeasurementEvents(instrument);
            throw new InvalidOperationException("no instrument today");
        } };
        listener.MeasurementsCompleted = (_, _) => throw new InvalidOperationException("no end today");
        listener.Start();
        using var handler = new StubHandler();
        var metrics = new SpanMetrics();
        using (var exporter = new ExporterUnderTest(
            FaultTests.Unused(), settings => settings with { HandlerFactory = () => handler }, metrics: metrics.AddExporter("otlp_http_span_exporter")))
        {
            Assert.True(exporter.Add(20).Flush());
            exporter.AssertCounts(exported: 20);
        }

        metrics.Dispose();
        Assert.Equal(13, calls);
        listener.MeasurementsCompleted = null;
    }

    [Fact]
    public void Export_ListenerOfHttpMetricsThrows_IsDeliveredAndNotMeasured()
    {
        using var collector = new ScriptedCollector();
        var (heard, isStarted) = (new List<string>(), false);
        using var listener = new MeterListener { InstrumentPublished = (instrument, _) =>
        {
            if (!isStarted || instrument.Meter.Name is not ("Tracing.Sdk.Transport" or "System.Net.Http")) return;
            heard.Add(instrument.Name);
            throw new InvalidOperationException("no instrument today");
        } };
        listener.Start();
        isStarted = true;
        using var exporter = new ExporterUnderTest(collector.Endpoint);
        Assert.True(exporter.Add(20).Flush());
        exporter.AssertCounts(exported: 20);
        Assert.Empty(heard);
    }
}
