using System.Diagnostics.Metrics;
using System.Globalization;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Tests.Recording;

public sealed class SpanAccountsTests
{
    [Fact]
    public void ToString_OneExporter_IsTheLastLine()
    {
        using var accounts = new SpanAccounts();
        var ledger = accounts.Open("otlp_http_span_exporter");
        for (var i = 0; i < 6; i++) accounts.SpanStarted();
        for (var i = 0; i < 6; i++) accounts.SpanEnded();
        ledger.Export(2);
        ledger.Drop(DropReason.QueueFull, 3);
        ledger.Drop(DropReason.Rejected);
        Assert.Equal("6 spans started, 2 exported, 4 dropped (queue_full 3, rejected 1)", accounts.ToString());
    }

    [Fact]
    public void ToString_NothingHappened_SaysSo()
    {
        using var accounts = new SpanAccounts();
        accounts.Open("otlp_http_span_exporter");
        Assert.Equal("0 spans started, 0 exported, 0 dropped", accounts.ToString());
    }

    [Fact]
    public void ToString_TwoExportersAndALiveSpan_NamesEach()
    {
        using var accounts = new SpanAccounts();
        accounts.Open("otlp_http_span_exporter").Export(1);
        accounts.Open("zipkin_http_span_exporter").Attach(() => (1, 100, 1000));
        accounts.SpanStarted();
        accounts.SpanStarted();
        accounts.SpanEnded();
        Assert.Equal(
            "2 spans started; otlp_http_span_exporter/0: 1 exported, 0 dropped; zipkin_http_span_exporter/0: 0 exported, 0 dropped, 1 in flight, 1 not ended",
            accounts.ToString());
    }

    [Fact]
    public void ToString_LastWithSpansInFlight_CountsThemAsDropped()
    {
        using var accounts = new SpanAccounts();
        var ledger = accounts.Open("otlp_http_span_exporter");
        ledger.Attach(() => (5, 100, 1000));
        for (var i = 0; i < 8; i++) accounts.SpanStarted();
        for (var i = 0; i < 8; i++) accounts.SpanEnded();
        ledger.Export(2);
        ledger.Drop(DropReason.Shutdown);
        Assert.Equal("8 spans started, 2 exported, 6 dropped (shutdown 6)", accounts.ToString(isLast: true, isRunning: false));
    }

    [Fact]
    public void Meter_Observed_HasTheConventionsNames()
    {
        using var accounts = new SpanAccounts();
        var ledger = accounts.Open("otlp_http_span_exporter");
        ledger.Attach(() => (2, 100, 1000));
        ledger.Sending = 1;
        for (var i = 0; i < 8; i++) accounts.SpanStarted();
        for (var i = 0; i < 7; i++) accounts.SpanEnded();
        ledger.Export(3);
        ledger.Drop(DropReason.QueueFull);
        ledger.Drop(DropReason.Rejected);
        ledger.Retry();

        var measured = new SortedSet<string>(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == SpanAccounts.MeterName && accounts.Owns(instrument.Meter)) listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            measured.Add($"{instrument.Name} {value} {instrument.Unit} {string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}".TrimEnd()));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) =>
            measured.Add($"{instrument.Name} {value.ToString(CultureInfo.InvariantCulture)} {instrument.Unit} {string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}"));
        listener.Start();
        ledger.OnRequest!(0.25, 503, "503");
        listener.RecordObservableInstruments();
        Snapshot.Match(string.Join('\n', measured));
    }

    [Fact]
    public void Started_FromManyThreads_IsExact()
    {
        using var accounts = new SpanAccounts();
        Parallel.For(0, 8, _ =>
        {
            for (var i = 0; i < 10_000; i++) accounts.SpanStarted();
        });
        Assert.Equal(80_000, accounts.Started);
    }
}
