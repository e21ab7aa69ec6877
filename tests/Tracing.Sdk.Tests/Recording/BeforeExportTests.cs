using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Recording;

/// <summary>What a hook sees of a span, and what becomes of a span that it changes or drops.</summary>
[Collection(Alone.Name)]
public sealed class BeforeExportTests
{
    private static readonly ActivitySource Orders = new("Orders.BeforeExportTests");

    [Fact]
    public async Task Hook_ServerSpan_SeesAllAttributesOnce()
    {
        var seen = new List<string>();
        var span = await RequestAsync(span =>
        {
            foreach (var (key, value) in span.Attributes) seen.Add($"{key}={value}");
            seen.Add($"{span.Kind} {span.Name} {span.HasRemoteParent} {span["http.route"]}");
        });

        Assert.Equal([.. span.Tags.Select(t => $"{t.Key}={t.Value}"), "Server GET /orders/{id} True /orders/{id}"], seen);
    }

    [Fact]
    public async Task Hook_ChangesServerSpan_AreExported()
    {
        var span = await RequestAsync(Change);

        Assert.Equal(("orders", "error", "late"), (span.Name, span.Status, span.StatusMessage));
        Assert.Null(span.Tag("user_agent.original"));
        Assert.Null(span.Tag("url.path"));
        Assert.Equal(("/orders/7", "gold", "https"), (span.Tag("path"), span.Tag("tenant"), span.Tag("url.scheme")));
    }

    [Fact]
    public async Task Hook_AnotherListener_ExportsTheSameAndLeavesItsActivity()
    {
        var alone = await RequestAsync(Change);
        Activity? heard = null;
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Microsoft.AspNetCore",
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => heard = activity,
        };
        ActivitySource.AddActivityListener(listener);
        var beside = await RequestAsync(Change);

        Assert.Equal(alone.Tags.Select(Text), beside.Tags.Select(Text));
        Assert.Equal(("GET /orders/{id}", "curl/8.0"), (heard!.DisplayName, heard.GetTagItem("user_agent.original")));

        static string Text(KeyValuePair<string, object> tag) => $"{tag.Key}={(tag.Key is "network.peer.port" or "server.port" ? "*" : tag.Value)}";
    }

    [Fact]
    public async Task Hook_Zipkin_RemoteEndpointFollowsTheHook()
    {
        await using var service = await StartAsync(span => span.Remove("client.address"), o =>
        {
            o.Export.Exporters[0] = "zipkin";
            o.Http.ClientAddress = true;
        });
        await SendAsync(service);
        await service.StopAsync();

        var span = Assert.Single(service.Sink.ZipkinSpans, s => s.GetProperty("name").GetString() == "GET /orders/{id}");
        Assert.False(span.GetProperty("tags").TryGetProperty("client.address", out _));
        Assert.Equal("127.0.0.1", span.GetProperty("remoteEndpoint").GetProperty("ipv4").GetString());
    }

    [Fact]
    public void Hook_SeveralExporters_RunsOnceForEachSpan()
    {
        var runs = 0;
        using var process = Start(_ => runs++, "zipkin");
        Orders.StartActivity("a")!.Dispose();
        Orders.StartActivity("b")!.Dispose();
        process.Stop();

        Assert.Equal(2, runs);
        Assert.Equal((2, 2), (process.Sink.Spans.Count, process.Sink.ZipkinSpans.Count));
    }

    [Fact]
    public void Hook_Drops_LeavesTheSpanOutOfEveryExporter()
    {
        using var process = Start(static span =>
        {
            if (span.Name == "noise") span.Drop();
        }, "zipkin");
        Orders.StartActivity("noise")!.Dispose();
        Orders.StartActivity("signal")!.Dispose();
        Assert.Equal(0, TracedProcess.Read("otel.sdk.span.live"));

        Assert.Equal("signal", Assert.Single(process.Stop()).Name);
        Assert.Equal("signal", Assert.Single(process.Sink.ZipkinSpans).GetProperty("name").GetString());
        Assert.Equal(
            "2 spans started; otlp_http_json_span_exporter/0: 1 exported, 0 dropped; zipkin_http_span_exporter/0: 1 exported, 0 dropped, 1 left out", process.LastLine);
    }

    [Fact]
    public void Hook_DropsParent_ChildKeepsItsId()
    {
        using var process = Start(static span =>
        {
            if (span.Name == "outer") span.Drop();
        });
        string outer;
        using (var activity = Orders.StartActivity("outer")!)
        {
            outer = activity.SpanId.ToHexString();
            Orders.StartActivity("inner")!.Dispose();
        }

        Assert.Equal(outer, Assert.Single(process.Stop()).ParentId);
    }

    [Fact]
    public void Hook_Throws_ExportsWhatItLeftAndLogsOnce()
    {
        using var process = Start(static span =>
        {
            span["before"] = "1";
            throw new InvalidOperationException("no such tenant");
        });
        Orders.StartActivity("a")!.Dispose();
        Orders.StartActivity("b")!.Dispose();

        Assert.Equal(["1", "1"], process.Stop().Select(s => s.Tag("before")));
        Assert.Contains("Export:BeforeExport threw System.InvalidOperationException: no such tenant", Assert.Single(process.Warnings), StringComparison.Ordinal);
        Assert.Equal("2 spans started, 2 exported, 0 dropped", process.LastLine);
    }

    [Fact]
    public void Hook_StartsSpan_GetsNone()
    {
        var started = new List<Activity?>();
        using var process = Start(_ =>
        {
            using var activity = Orders.StartActivity("of the hook");
            started.Add(activity);
        });
        using (Orders.StartActivity("outer")) Orders.StartActivity("inner")!.Dispose();

        Assert.Equal(["inner", "outer"], process.Stop().Select(s => s.Name));
        Assert.Equal([null, null], started);
    }

    [Fact]
    public async Task Hook_MakesACall_CallIsNoSpan()
    {
        await using var server = new WireServer();
        using var client = new HttpClient();
        using var process = Start(_ =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
            client.Send(request).Dispose();
        });
        Orders.StartActivity("work")!.Dispose();

        Assert.Equal("work", Assert.Single(process.Stop()).Name);
        Assert.NotNull(server.Request);
    }

    [Fact]
    public void Hook_EndsAnotherSpan_ChangesBoth()
    {
        Activity? running = null;
        using var process = Start(span =>
        {
            span["first"] = span.Name;
            running!.Stop();
            span["second"] = span.Name;
        });
        running = Orders.StartActivity("other");
        Orders.StartActivity("work")!.Dispose();

        var spans = process.Stop();
        Assert.Equal(["other", "work"], spans.Select(s => s.Name).Order());
        Assert.All(spans, s => Assert.Equal((s.Name, s.Name), (s.Tag("first"), s.Tag("second"))));
    }

    [Fact]
    public void Hook_ValueThatEndsASpanWhenItIsEncoded_ChangesBoth()
    {
        using var process = Start(span => span["name"] = span.Name);
        using (var work = Orders.StartActivity("work")!)
        {
            work.SetTag("nested", new EndingText());
            work.SetTag("last", "1");
        }

        Assert.Equal(["nested nested ", "work work 1"], process.Stop().Select(s => $"{s.Name} {s.Tag("name")} {s.Tag("last")}").Order());
    }

    [Fact]
    public void Attributes_RemovedWhileEnumerated_AllAreSeen()
    {
        var seen = new List<string>();
        using var process = Start(span =>
        {
            foreach (var (key, _) in span.Attributes)
            {
                seen.Add(key);
                if (key.StartsWith("secret", StringComparison.Ordinal)) span.Remove(key);
                span["added"] = key;
            }
        });
        Orders.StartActivity("work")!.SetTag("secret.a", 1).SetTag("secret.b", 2).SetTag("kept", 3).Dispose();

        Assert.Equal(["kept", "added"], Assert.Single(process.Stop()).Tags.Keys);
        Assert.Equal(["secret.a", "secret.b", "kept"], seen);
    }

    [Fact]
    public void Attributes_KeyThatRepeats_LastCountsAndAllGo()
    {
        object? value = null;
        using var process = Start(span =>
        {
            value = span["a"];
            span.Remove("a");
        });
        Orders.StartActivity("work")!.AddTag("a", 1).AddTag("b", 2).AddTag("a", 3).Dispose();

        Assert.Equal(["b"], Assert.Single(process.Stop()).Tags.Keys);
        Assert.Equal(3, value);
    }

    [Fact]
    public void Rename_NameIsTaken_ReplacesIt()
    {
        var renamed = new List<bool>();
        using var process = Start(span =>
        {
            renamed.Add(span.Rename("a", "b"));
            renamed.Add(span.Rename("missing", "b"));
            renamed.Add(span.Rename("b", "b"));
        });
        Orders.StartActivity("work")!.SetTag("b", "old").SetTag("a", "new").Dispose();

        Assert.Equal("new", Assert.Single(Assert.Single(process.Stop()).Tags, t => t.Key == "b").Value);
        Assert.Equal([true, false, true], renamed);
    }

    [Fact]
    public void Attributes_Hundreds_AllAreExported()
    {
        using var process = new TracedProcess(o =>
        {
            o.Limits.MaxAttributes = 2000;
            o.Export.BeforeExport = static span => span["last"] = 1;
        });
        for (var round = 0; round < 2; round++)
        {
            using var work = Orders.StartActivity("work")!;
            for (var i = 0; i < 1500; i++) work.AddTag($"k{i}", i);
        }

        Assert.All(process.Stop(), s => Assert.Equal(1501, s.Tags.Count));
    }

    [Fact]
    public void Status_OfAnEarlierSpan_IsNotKept()
    {
        using var process = Start(static span =>
        {
            if (span.Name == "a") span.SetStatus(ActivityStatusCode.Error, "no");
        });
        Orders.StartActivity("a")!.Dispose();
        Orders.StartActivity("b")!.Dispose();

        Assert.Equal([("a", "error", "no"), ("b", "unset", null)], process.Stop().Select(s => (s.Name, s.Status, s.StatusMessage)));
    }

    private static void Change(EndedSpan span)
    {
        span.Name = "orders";
        span.SetStatus(ActivityStatusCode.Error, "late");
        span.Remove("user_agent.original");
        span.Rename("url.path", "path");
        span["url.scheme"] = "https";
        span["tenant"] = "gold";
    }

    private static TracedProcess Start(Action<EndedSpan> hook, string? secondExporter = null) => new(o =>
    {
        o.Export.BeforeExport = hook;
        if (secondExporter is not null) o.Export.Exporters.Add(secondExporter);
    });

    private static async Task<Span> RequestAsync(Action<EndedSpan> hook)
    {
        await using var service = await StartAsync(hook);
        await SendAsync(service);
        return (await service.StopAsync()).Server();
    }

    private static Task<TestService> StartAsync(Action<EndedSpan> hook, Action<MeshTracingOptions>? options = null) => TestService.StartAsync(
        app => app.MapGet("/orders/{id}", (int id) => Results.Ok()),
        o =>
        {
            o.Export.BeforeExport = hook;
            options?.Invoke(o);
        });

    private static Task<WireMessage> SendAsync(TestService service) =>
        service.GetAsync("/orders/7", "User-Agent: curl/8.0", $"traceparent: 00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-01");

    private sealed class EndingText
    {
        public override string ToString()
        {
            Orders.StartActivity("nested")?.Dispose();
            return "text";
        }
    }
}
