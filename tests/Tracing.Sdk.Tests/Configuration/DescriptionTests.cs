using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Tracing.Sdk.Configuration;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Configuration;

[Collection(Alone.Name)]
public sealed class DescriptionTests
{
    [Fact]
    public void Text_OfAServiceWithTraffic_IsOneScreen()
    {
        var time = new FakeTimeProvider();
        time.Advance(TimeSpan.FromSeconds(1));
        using var metrics = new SpanMetrics(time);
        var options = new MeshTracingOptions { Sampling = { Ratio = 0.25 } };
        options.Origins["Sampling:Ratio"] = "MeshTracing";
        options.ResourceAttributes["team"] = "west";
        options.ResourceAttributes["api.key"] = "the-secret-itself";
        options.Origins["ResourceAttributes"] = "OTEL_RESOURCE_ATTRIBUTES";
        var description = new Description(() => options, "orders", metrics, time);
        var exporter = metrics.AddExporter("otlp_http_span_exporter");
        exporter.State.Endpoint = "http://collector:4318/v1/traces";
        exporter.ObserveQueue(() => (3, 65536, 8 << 20));
        exporter.Export(45);
        exporter.State.LastFailure = new ExporterState.Problem("Nothing answers at http://collector:4318/v1/traces.", time.GetUtcNow());
        for (var i = 0; i < 12; i++) metrics.Decided(DecisionReason.CallerYes, isRecorded: true);
        for (var i = 0; i < 1192; i++) metrics.Decided(DecisionReason.CallerNo, isRecorded: false);
        for (var i = 0; i < 48; i++)
        {
            metrics.SpanStarted();
            metrics.SpanEnded();
        }

        metrics.Refusals.Add(DecisionReason.CallerNo, "/orders/7", "w3c");
        time.Advance(TimeSpan.FromMinutes(3));
        exporter.State.LastSuccess = time.GetUtcNow().UtcTicks;
        metrics.Refusals.Add(DecisionReason.HealthCheck, "/healthz");
        time.Advance(TimeSpan.FromSeconds(4));

        Snapshot.Match(description.ToString().Replace(SdkVersion.Text, "(version)", StringComparison.Ordinal));
    }

    [Fact]
    public void Text_EverySettingChanged_IsOneScreen()
    {
        var settings = Settings.All.Where(s => !Settings.IsCodeOnly(s.Name)).Select(s => s.Name).ToArray();
        using var metrics = new SpanMetrics();
        var options = new MeshTracingOptions();
        foreach (var name in settings) options.Origins[name] = "MeshTracing";
        for (var i = 0; i < 3; i++)
        {
            var exporter = metrics.AddExporter($"e{i}");
            exporter.State.Failure = new ExporterState.Problem(new string('x', 5000), DateTimeOffset.UnixEpoch);
        }

        for (var reason = (DecisionReason)0; (int)reason < DecisionReasons.Count; reason++)
        {
            metrics.Decided(reason, isRecorded: false);
            metrics.Refusals.Add(reason, new string('y', 5000));
        }

        var lines = new Description(() => options, "orders", metrics, TimeProvider.System).ToString().TrimEnd().Split('\n');
        Assert.InRange(lines.Length, 20, 48);
        Assert.All(lines, line => Assert.InRange(line.Length, 1, 240));
    }

    [Fact]
    public void Text_ManyReasons_HasTheCountOfEach()
    {
        using var metrics = new SpanMetrics();
        for (var reason = (DecisionReason)0; (int)reason < DecisionReasons.Count; reason++) metrics.Decided(reason, isRecorded: false);

        var text = new Description(() => new MeshTracingOptions(), "orders", metrics, TimeProvider.System).ToString();
        Assert.Equal(DecisionReasons.Count, text.Split(": 1,").Length - 1 + text.Split(": 1)").Length - 1);
        Assert.All(text.Split('\n'), line => Assert.InRange(line.Length, 0, 120));
    }

    [Fact]
    public void Text_LongRules_AreWhole()
    {
        using var metrics = new SpanMetrics();
        var options = new MeshTracingOptions();
        foreach (var path in new[] { "/metrics", "/static/*", "/assets/*", "/favicon.ico", "/internal/state" }) options.Sampling.Rules.Add(SamplingRule.Parse($"1/s burst=5 path={path}"));
        options.Origins["Sampling:Rules"] = "MeshTracing";

        Assert.Contains("path=/internal/state (MeshTracing)\n", new Description(() => options, "orders", metrics, TimeProvider.System).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Describe_OfAService_HoldsNoSecret()
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/debug/tracing", (MeshTracing tracing) => tracing.Describe()),
            o => o.Export.Otlp.Headers["authorization"] = "Bearer the-secret-itself",
            b => b.Configuration.AddInMemoryCollection(
            [
                new("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://user:the-secret-itself@collector:4318/v1/traces?key=the-secret-itself"),
                new("OTEL_RESOURCE_ATTRIBUTES", "db.password=the-secret-itself"),
            ]));
        var text = service.Services.GetRequiredService<MeshTracing>().Describe();
        Assert.Contains("http://collector:4318/v1/traces", text, StringComparison.Ordinal);
        Assert.Contains("db.password=(hidden)", text, StringComparison.Ordinal);
        Assert.DoesNotContain("the-secret-itself", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Describe_RequestsAreRefused_NamesThemWithTheReason()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/orders/{id}", (int id) => id), o => o.Ignore.Paths.Add("/orders/7"));
        await service.GetAsync("/orders/7");
        await service.GetAsync("/orders/8", $"traceparent: 00-{Guid.NewGuid():N}-00f067aa0ba902b7-00");
        var tracing = service.Services.GetRequiredService<MeshTracing>();
        // A request is counted after its response has been sent.
        await service.StopAsync();
        var text = tracing.Describe();
        Assert.Contains(" s ago: /orders/7: the path or the endpoint is ignored\n", text, StringComparison.Ordinal);
        Assert.Contains(" s ago: /orders/8: the caller said no (w3c)\n", text, StringComparison.Ordinal);
        Assert.Contains("  2 not recorded (", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Describe_InForwardMode_SaysSo()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => "ok"), o => o.Mode = MeshTracingMode.Forward);
        Assert.Contains("forwards headers and records nothing (code)", service.Services.GetRequiredService<MeshTracing>().Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Describe_AfterTheStop_StillAnswers()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => "ok"));
        await service.GetAsync("/");
        var tracing = service.Services.GetRequiredService<MeshTracing>();
        await service.StopAsync();
        Assert.Contains("exported, 0 dropped", tracing.Describe(), StringComparison.Ordinal);
    }
}
