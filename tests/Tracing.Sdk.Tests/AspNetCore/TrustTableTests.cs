using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using Tracing.Sdk.Http;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Tests.Testbed;
using Yarp.ReverseProxy.Forwarder;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>
/// Every way to trust a caller less, with every form of context: nothing that the caller sent decides anything behind the service. Its calls
/// are made plainly, with a copy of the request's headers by hand, and by a reverse proxy.
/// </summary>
[Collection(Alone.Name)]
public sealed class TrustTableTests
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";
    private const string ShortTrace = "8448eb211c80319c";
    private const string Span = "b7ad6b7169203331";
    private const string Parent = "05e3ac9a4f6e3b90";
    private const string OtherTrace = "80f198ee56343ba864fe8b2a57d3eff7";
    private const string OtherSpan = "e457b5a2e4d86bd1";

    // Whatever holds one of these came from the caller.
    private static readonly string[] Tokens = [ShortTrace, Span, Parent, "64fe8b2a57d3eff7", OtherSpan, "stranger", "5ca1ab1e"];

    private static readonly string[] Forwarded =
        ["x-tenant", "x-envoy-force-trace", "sw8", "x-datadog-trace-id", "x-datadog-sampling-priority", "uber-trace-id", "x-ot-span-context", "x-amzn-trace-id", "x-cloud-trace-context", "jaeger-debug-id"];

    private static readonly Form[] Forms =
    [
        new("w3c sampled", Trace, $"traceparent: 00-{Trace}-{Span}-01"),
        new("w3c unsampled", Trace, $"traceparent: 00-{Trace}-{Span}-00"),
        new("w3c random", Trace, $"traceparent: 00-{Trace}-{Span}-03"),
        new("w3c later version", Trace, $"traceparent: cc-{Trace}-{Span}-01-stranger"),
        new("w3c, another's member", Trace, $"traceparent: 00-{Trace}-{Span}-00", "tracestate: vendor=stranger"),
        new("w3c, our member", Trace, $"traceparent: 00-{Trace}-{Span}-01", $"tracestate: mesh=p:{Span},vendor=stranger"),
        new("w3c, our member with debug", Trace, $"traceparent: 00-{Trace}-{Span}-00", $"tracestate: mesh=p:{Span};s:d"),
        new("w3c, our member with defer", Trace, $"traceparent: 00-{Trace}-{Span}-00", $"tracestate: mesh=p:{Span};s:u"),
        new("tracestate alone", null, "tracestate: mesh=s:d,vendor=stranger"),
        new("b3 sampled", Trace, $"b3: {Trace}-{Span}-1"),
        new("b3 unsampled", Trace, $"b3: {Trace}-{Span}-0"),
        new("b3 debug", Trace, $"b3: {Trace}-{Span}-d-{Parent}"),
        new("b3 deferred", Trace, $"b3: {Trace}-{Span}"),
        new("b3 of 64 bits", ShortTrace, $"b3: {ShortTrace}-{Span}-1"),
        new("multi sampled", Trace, $"X-B3-TraceId: {Trace}", $"X-B3-SpanId: {Span}", "X-B3-Sampled: 1"),
        new("multi unsampled", Trace, $"X-B3-TraceId: {Trace}", $"X-B3-SpanId: {Span}", $"X-B3-ParentSpanId: {Parent}", "X-B3-Sampled: 0"),
        new("multi debug", Trace, $"X-B3-TraceId: {Trace}", $"X-B3-SpanId: {Span}", "X-B3-Flags: 1"),
        new("multi deferred", Trace, $"X-B3-TraceId: {Trace}", $"X-B3-SpanId: {Span}"),
        new("b3: 0", null, "b3: 0"),
        new("b3: 1", null, "b3: 1"),
        new("b3: d", null, "b3: d"),
        new("X-B3-Sampled: 0", null, "X-B3-Sampled: 0"),
        new("X-B3-Sampled: 1", null, "X-B3-Sampled: 1"),
        new("X-B3-Flags: 1", null, "X-B3-Flags: 1"),
        new("X-B3-Flags: 1 and Sampled: 0", null, "X-B3-Flags: 1", "X-B3-Sampled: 0"),
        new("w3c and b3: d", Trace, $"traceparent: 00-{Trace}-{Span}-00", "b3: d"),
        new("w3c and b3: 0", Trace, $"traceparent: 00-{Trace}-{Span}-01", "b3: 0"),
        new("w3c and multi of one span", Trace, $"traceparent: 00-{Trace}-{Span}-01", $"X-B3-TraceId: {Trace}", $"X-B3-SpanId: {Span}", "X-B3-Sampled: 1"),
        new("w3c stale", Trace, $"traceparent: 00-{Trace}-{Parent}-01", $"X-B3-TraceId: {Trace}", $"X-B3-SpanId: {Span}", $"X-B3-ParentSpanId: {Parent}", "X-B3-Sampled: 1"),
        new("two traces", Trace, $"traceparent: 00-{Trace}-{Span}-01", $"b3: {OtherTrace}-{OtherSpan}-1"),
        new("malformed", null, $"traceparent: 00-{Trace}-{Span}", $"b3: {Trace}", $"X-B3-TraceId: {Trace}"),
        new("baggage", null, "baggage: user=stranger;level=2,tenant=stranger"),
        new("w3c and baggage", Trace, $"traceparent: 00-{Trace}-{Span}-01", "baggage: user=stranger"),
        new("request id, sampled", null, "x-request-id: 5ca1ab1e-3a4b-9c5d-8e6f-112233445566"),
        new("request id, forced by a service", null, "x-request-id: 5ca1ab1e-3a4b-ac5d-8e6f-112233445566"),
        new("request id, forced by a client", Trace, $"traceparent: 00-{Trace}-{Span}-00", "x-request-id: 5ca1ab1e-3a4b-bc5d-8e6f-112233445566"),
        new("request id, undecided", null, "x-request-id: 5ca1ab1e-3a4b-4c5d-8e6f-112233445566"),
        new("request id that is no UUID", null, "x-request-id: stranger"),
        new("client trace id", null, "x-client-trace-id: stranger"),
        new("w3c and what forces", Trace, $"traceparent: 00-{Trace}-{Span}-00", "x-client-trace-id: stranger", "x-envoy-force-trace: stranger", "jaeger-debug-id: stranger"),
        new("other tracers", null, "sw8: 1-stranger", "x-datadog-trace-id: stranger", "x-datadog-sampling-priority: 2stranger", "uber-trace-id: stranger:1", "x-ot-span-context: stranger", "x-amzn-trace-id: Root=stranger;Sampled=1", "x-cloud-trace-context: stranger;o=1"),
        new("r2 traceparent twice", null, $"traceparent: 00-{Trace}-{Span}-01", $"traceparent: 00-{Trace}-{Span}-01"),
        new("r2 traceparent twice different", null, $"traceparent: 00-{Trace}-{Span}-01", $"traceparent: 00-{OtherTrace}-{OtherSpan}-00"),
        new("r2 b3 twice", Trace, $"b3: {Trace}-{Span}-1", $"b3: {Trace}-{Span}-d"),
        new("r2 b3 d twice", null, "b3: d", "b3: d"),
        new("r2 flags twice", null, "X-B3-Flags: 1", "X-B3-Flags: 1"),
        new("r2 upper names", Trace, $"TRACEPARENT: 00-{Trace}-{Span}-01", $"TRACESTATE: mesh=p:{Span};s:d", "X-B3-FLAGS: 1"),
        new("r2 upper b3", null, $"B3: {Trace.ToUpperInvariant()}-{Span.ToUpperInvariant()}-1"),
        new("r2 sampled true", null, "X-B3-Sampled: true"),
        new("r2 sampled True ids", Trace, $"X-B3-TraceId: {Trace}", $"X-B3-SpanId: {Span}", "X-B3-Sampled: True"),
        new("r2 b3 single and multi differ", Trace, $"b3: {Trace}-{Span}-0", $"X-B3-TraceId: {Trace}", $"X-B3-SpanId: {Span}", "X-B3-Flags: 1"),
        new("r2 tracestate twice", Trace, $"traceparent: 00-{Trace}-{Span}-00", $"tracestate: mesh=p:{Span}", "tracestate: mesh=s:d", "tracestate: v=stranger"),
        new("r2 mesh blank", Trace, $"traceparent: 00-{Trace}-{Span}-00", $"tracestate: v=stranger , mesh=p:{Span};s:d"),
        new("r2 mesh state only", Trace, $"traceparent: 00-{Trace}-{Span}-00", "tracestate: mesh=s:d"),
        new("r2 empty tracestate and b3 1", Trace, $"traceparent: 00-{Trace}-{Span}-00", "tracestate: ", "b3: 1"),
        new("r2 request ids twice", null, "x-request-id: stranger", "x-request-id: 5ca1ab1e-3a4b-bc5d-8e6f-112233445566"),
        new("r2 request ids twice 2", null, "x-request-id: 5ca1ab1e-3a4b-bc5d-8e6f-112233445566", "x-request-id: stranger"),
        new("r2 request id upper", null, "x-request-id: 5ca1ab1e-3A4B-BC5D-8E6F-112233445566"),
        new("r2 request id braces", null, "x-request-id: {5ca1ab1e-3a4b-bc5d-8e6f-112233445566}"),
        new("r2 request id plus", null, "x-request-id: 5ca1ab1e-3a4b-+c5d-8e6f-112233445566"),
        new("r2 force twice", null, "x-envoy-force-trace: stranger", "x-envoy-force-trace: stranger2"),
        new("r2 version ff", null, $"traceparent: ff-{Trace}-{Span}-01", "tracestate: mesh=s:d"),
        new("r2 zero ids", null, $"traceparent: 00-00000000000000000000000000000000-{Span}-01", $"b3: 0000000000000000-{Span}-1"),
        new("everything", Trace, $"traceparent: 00-{Trace}-{Span}-01", $"tracestate: mesh=p:{Span};s:d", $"b3: {Trace}-{Span}-d", $"X-B3-TraceId: {Trace}", $"X-B3-SpanId: {Span}", "X-B3-Sampled: 1", "X-B3-Flags: 1", "baggage: user=stranger", "x-request-id: 5ca1ab1e-3a4b-bc5d-8e6f-112233445566", "x-client-trace-id: stranger", "sw8: 1-stranger", "x-envoy-force-trace: stranger"),
    ];

    public static TheoryData<string, double> Cases
    {
        get
        {
            var data = new TheoryData<string, double>();
            foreach (var way in TrustWay.All)
            {
                data.Add(way, 1);
                data.Add(way, 0);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Restart_EveryForm_NothingOfTheCallersGoesInside(string way, double ratio)
    {
        var (runs, servers, log) = await RunAsync(way, TraceTrust.Restart, ratio);

        var wrong = new List<string>();
        foreach (var run in runs)
        {
            Check(wrong, run, "Baggage.Current", "", run.Baggage);
            Check(wrong, run, "Activity.Baggage", "", run.ActivityBaggage);
            foreach (var (key, value) in run.Scope)
            {
                if (IsCallers(value?.ToString())) wrong.Add($"{run.Form.Name}: log scope {key}={value}");
            }

            foreach (var sent in run.Sent)
            {
                foreach (var (name, value) in sent.Headers.Where(h => IsCallers(h.Value))) wrong.Add($"{run.Form.Name}: {sent.Target}: {name}: {value}");
                Check(wrong, run, sent.Target + " trace", run.TraceId, sent["X-B3-TraceId"]);
                Check(wrong, run, sent.Target + " tracestate", $"mesh=p:{sent["X-B3-SpanId"]}", sent["tracestate"]);
                Check(wrong, run, sent.Target + " baggage", "own=1", sent["baggage"]);
                CheckOurs(wrong, run, sent, ratio);
            }

            CheckOutside(wrong, run);
            if (ratio == 0) continue;
            Check(wrong, run, "parent", null, run.Server!.ParentId);
            var ids = run.Form.Trace is { } trace ? $"{trace.PadLeft(32, '0')}-{Span}" : null;
            Check(wrong, run, "links", ids, run.Server.Links.SingleOrDefault()?.Name);
            Check(wrong, run, "route", "/orders", run.Server.Tag("http.route"));
        }

        Assert.Equal(ratio * Forms.Length, servers);
        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
        AssertNothingDropped(log);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task TrustIdsOnly_EveryForm_NoDecisionOfTheCallersGoesInside(string way, double ratio)
    {
        var (runs, servers, log) = await RunAsync(way, TraceTrust.TrustIdsOnly, ratio);

        var wrong = new List<string>();
        foreach (var run in runs)
        {
            var received = run.Form.Headers.FirstOrDefault(h => h.StartsWith("baggage: ", StringComparison.Ordinal))?[9..];
            foreach (var sent in run.Sent)
            {
                if (run.Form.Trace is { } trace) Check(wrong, run, sent.Target + " trace", trace, sent["X-B3-TraceId"]);
                var baggage = (received is null ? "own=1" : received + ",own=1").Split(',').Order();
                Check(wrong, run, sent.Target + " baggage", string.Join(',', baggage), string.Join(',', (sent["baggage"] ?? "").Split(',').Order()));
                if (Marker.Find(sent["tracestate"]) is { IsDebug: true } or { IsUndecided: true }) wrong.Add($"{run.Form.Name}: {sent["tracestate"]}");
                CheckOurs(wrong, run, sent, ratio);
            }

            CheckOutside(wrong, run);
            if (ratio == 1) Check(wrong, run, "parent", run.Form.Trace is null ? null : Span, run.Server!.ParentId);
        }

        Assert.Equal(ratio * Forms.Length, servers);

        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
        AssertNothingDropped(log);
    }

    // This service's decision in every format, and no header that another tracer would follow.
    private static void CheckOurs(List<string> wrong, Run run, WireMessage sent, double ratio)
    {
        Check(wrong, run, sent.Target + " sampled", ratio == 1 ? "1" : "0", sent["X-B3-Sampled"]);
        Check(wrong, run, sent.Target + " flags", null, sent["X-B3-Flags"]);
        Check(wrong, run, sent.Target + " single", null, sent["b3"]);
        Check(wrong, run, sent.Target + " parent", null, sent["X-B3-ParentSpanId"]);
        Check(wrong, run, sent.Target + " traceparent", ratio == 1, sent["traceparent"]![^1] is '1' or '3');
        Check(wrong, run, sent.Target + " ids", $"{sent["X-B3-TraceId"]!.PadLeft(32, '0')}-{sent["X-B3-SpanId"]}", sent["traceparent"]![3..52]);
        var requestId = sent["x-request-id"]!;
        Check(wrong, run, sent.Target + " request id", true, Guid.TryParseExact(requestId, "D", out _));
        Check(wrong, run, sent.Target + " request id's decision", ratio == 1 ? '9' : '4', requestId[14]);
        foreach (var name in Forwarded.Skip(1).Append("x-client-trace-id")) Check(wrong, run, $"{sent.Target} {name}", null, sent[name]);
        Check(wrong, run, sent.Target + " tenant", "acme", sent["x-tenant"]);
    }

    private static void CheckOutside(List<string> wrong, Run run)
    {
        foreach (var (name, value) in run.SentOutside.Headers.Where(h => ContextHeaders.IsAboutTracing(h.Key))) wrong.Add($"{run.Form.Name}: outside: {name}: {value}");
    }

    private static void Check<T>(List<string> wrong, Run run, string what, T expected, T actual)
    {
        if (!Equals(expected, actual)) wrong.Add(string.Create(CultureInfo.InvariantCulture, $"{run.Form.Name}: {what} is {actual}, not {expected}"));
    }

    private static bool IsCallers(string? value) => value is not null && Tokens.Any(t => value.Contains(t, StringComparison.Ordinal));

    private static void AssertNothingDropped(LogCollector log)
    {
        var last = Assert.Single(log.Lines, l => l.Category == "Tracing.Sdk" && l.Message.StartsWith("Tracing stopped:", StringComparison.Ordinal));
        Assert.Equal(LogLevel.Information, last.Level);
        Assert.Matches(@"(\d+) spans started, \1 exported, 0 dropped(;|$)", last.Message);
    }

    private static async Task<(IReadOnlyList<Run> Runs, int Servers, LogCollector Log)> RunAsync(string way, TraceTrust trust, double ratio)
    {
        // Clients that are made before the first AddMeshTracing of the process keep the platform's propagator.
        OutboundPropagator.Install();
        await using var server = new WireServer();
        var seen = new ConcurrentQueue<(string TraceId, string SpanId, string Baggage, string ActivityBaggage)>();
        using var copier = new HttpClient(server.Handler());
        using var ours = new HttpClient(new MeshTracingHandler(new SocketsHttpHandler { ActivityHeadersPropagator = null }));
        // A proxy's transport: of YARP's own making, or a plain one.
        using var proxy = ratio == 1
            ? new ForwarderHttpClientFactory().CreateClient(new ForwarderHttpClientContext { NewConfig = new() })
            : new HttpMessageInvoker(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });

        await using var service = await TrustWay.StartAsync(
            way,
            trust,
            async context =>
            {
                var activity = Activity.Current!;
                seen.Enqueue((activity.TraceId.ToHexString(), activity.SpanId.ToHexString(), Text(Baggage.Current.GetBaggage()), Text(activity.Baggage)));
                context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger("Inside").LogInformation("inside");
                Baggage.SetBaggage("own", "1");
                (await copier.GetAsync(new Uri(server.Address, "/plain"))).Dispose();
                (await copier.SendAsync(CopyOf(context, new Uri(server.Address, "/copy")))).Dispose();
                (await ours.SendAsync(CopyOf(context, new Uri(server.Address, "/handler")))).Dispose();
                (await copier.SendAsync(CopyOf(context, new Uri("http://denied.svc/outside")))).Dispose();
                var forwarder = context.RequestServices.GetRequiredService<IHttpForwarder>();
                await forwarder.SendAsync(context, server.Address.ToString(), proxy, ForwarderRequestConfig.Empty);
            },
            o =>
            {
                o.Sampling.Ratio = ratio;
                o.Propagation.ExcludedTargets.Add("denied.svc");
                foreach (var name in Forwarded) o.Propagation.ForwardedHeaders.Add(name);
            },
            b =>
            {
                b.Services.AddHttpForwarder();
                b.Services.Configure<LoggerFactoryOptions>(o => o.ActivityTrackingOptions =
                    ActivityTrackingOptions.TraceId | ActivityTrackingOptions.SpanId | ActivityTrackingOptions.ParentId | ActivityTrackingOptions.TraceState
                    | ActivityTrackingOptions.TraceFlags | ActivityTrackingOptions.Tags | ActivityTrackingOptions.Baggage);
            });
        foreach (var form in Forms) await TrustWay.CallAsync(service, [.. form.Headers, "x-tenant: acme"]);
        await service.StopAsync();

        var lines = service.Log.Lines.Where(l => l.Category == "Inside").ToList();
        var sent = server.Requests.Chunk(5).ToList();
        Assert.Equal((Forms.Length, Forms.Length), (lines.Count, sent.Count));
        return ([.. Forms.Zip(seen).Select((x, i) => new Run(
            x.First, x.Second.TraceId, x.Second.Baggage, x.Second.ActivityBaggage, lines[i].Scope,
            [.. sent[i].Where(m => m.Target != "/outside")], sent[i].Single(m => m.Target == "/outside"),
            service.Sink.Spans.SingleOrDefault(s => s.SpanId == x.Second.SpanId)))], service.Sink.Spans.Count(s => s.Kind == "server"), service.Log);
    }

    private static string Text<T>(IEnumerable<KeyValuePair<string, T>> pairs) => string.Join(',', pairs.Select(p => $"{p.Key}={p.Value}"));

    private static HttpRequestMessage CopyOf(HttpContext context, Uri target)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, target);
        foreach (var (name, values) in context.Request.Headers)
        {
            if (name is not ("Host" or "Connection")) request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }

        return request;
    }

    private sealed record Form(string Name, string? Trace, params string[] Headers);

    private sealed record Run(
        Form Form, string TraceId, string Baggage, string ActivityBaggage, IReadOnlyDictionary<string, object?> Scope,
        IReadOnlyList<WireMessage> Sent, WireMessage SentOutside, Span? Server);
}
