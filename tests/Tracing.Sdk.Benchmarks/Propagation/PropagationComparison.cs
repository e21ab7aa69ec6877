using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using OpenTelemetry.Context.Propagation;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Benchmarks.Propagation;

/// <summary>What does it cost to read every format, and to write them, beside a peer that knows one and the platform's own?</summary>
internal static class PropagationComparison
{
    private static readonly Func<IHeaderDictionary, string, IEnumerable<string>> Getter = static (headers, name) => headers[name]!;

    private static readonly DistributedContextPropagator Platform = DistributedContextPropagator.CreateDefaultPropagator();

    private static readonly TraceContextPropagator Peer = new();

    private static readonly RemoteContext Empty = new();

#pragma warning disable CS0618 // The API still holds the peer's B3, though it has moved.
    private static readonly CompositeTextMapPropagator PeerOfAllFormats = new(
        [new TraceContextPropagator(), new OpenTelemetry.Context.Propagation.B3Propagator(), new BaggagePropagator()]);
#pragma warning restore CS0618

    public static async Task Run()
    {
        (string Name, string Headers)[] sets =
        [
            ("W3C", HeaderSets.W3C),
            ("W3C with a foreign tracestate", HeaderSets.W3CWithState),
            ("W3C and B3, written by this library", HeaderSets.Ours),
            ("the same, refreshed by a proxy that speaks B3", HeaderSets.OursThroughZipkinProxy),
            ("B3 alone", HeaderSets.B3Multi),
            ("no context", HeaderSets.Nothing),
        ];
        // A service sees them mixed. Measured one after the other, everybody's code would be compiled for the first and slow for the last.
        var mixed = Enumerable.Repeat(sets, 100).SelectMany(s => s).Select(s => s.Headers);
        await HeaderSets.InsideKestrel(mixed, (i, headers) => Extract("", headers).Touch());
        await HeaderSets.InsideKestrel(sets.Select(s => s.Headers), (i, headers) => Extract(sets[i].Name, headers).Print());
        Inject();
        Reject();
    }

    private static Comparison Extract(string name, IHeaderDictionary headers) =>
        new Comparison($"Extract from Kestrel's headers: {name}")
            .Add("OpenTelemetry.Api TraceContextPropagator (W3C alone)", n =>
            {
                for (var i = 0; i < n; i++) Peer.Extract(default, headers, Getter);
            })
            .Add("OpenTelemetry.Api W3C + B3 + baggage", n =>
            {
                for (var i = 0; i < n; i++) PeerOfAllFormats.Extract(default, headers, Getter);
            })
            .Add(".NET W3C propagator + ActivityContext.TryParse", n =>
            {
                for (var i = 0; i < n; i++)
                {
                    Platform.ExtractTraceIdAndState(headers, PlatformGetter, out var id, out var state);
                    _ = ActivityContext.TryParse(id, state, isRemote: true, out _);
                }
            })
            .Add("ours: all formats, baggage, request id", n =>
            {
                for (var i = 0; i < n; i++) ContextExtractor.Extract(new HeaderSnapshot(headers), PropagationSettings.Default, Empty);
            })
            .Add("ours, and the ids made from it", n =>
            {
                for (var i = 0; i < n; i++)
                {
                    var remote = ContextExtractor.Extract(new HeaderSnapshot(headers), PropagationSettings.Default, Empty);
                    if (remote.Ids.HasIds) remote.Ids.ToActivityContext(remote.TraceState);
                }
            })
            .Add("ours, and ActivityContext.TryParse as hosting does", n =>
            {
                for (var i = 0; i < n; i++)
                {
                    var remote = ContextExtractor.Extract(new HeaderSnapshot(headers), PropagationSettings.Default, Empty);
                    _ = ActivityContext.TryParse(remote.TraceParent, remote.ActivityTraceState, isRemote: true, out _);
                }
            });

    private static void PlatformGetter(object? carrier, string name, out string? value, out IEnumerable<string>? values)
    {
        values = default;
        value = ((IHeaderDictionary)carrier!)[name];
    }

    private static void Inject()
    {
        using var activity = new Activity("x").SetIdFormat(ActivityIdFormat.W3C).Start();
        activity.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        var context = new PropagationContext(activity.Context, default);
        var outbound = new OutboundContext(activity.TraceId.ToHexString(), activity.SpanId.ToHexString(), SamplingState.Accept, true, null);
        var withState = outbound with { TraceState = "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7" };
        var chained = outbound with { TraceState = "mesh=p:e457b5a2e4d86bd1" };
        using var request = new HttpRequestMessage();
        new Comparison("Inject into a fresh HttpRequestMessage")
            .Add("OpenTelemetry.Api TraceContextPropagator (W3C alone)", Each(request, r => Peer.Inject(context, r, Setter)))
            .Add("OpenTelemetry.Api W3C + B3 + baggage", Each(request, r => PeerOfAllFormats.Inject(context, r, Setter)))
            .Add(".NET W3C propagator (its text is cached in the Activity)", Each(request, r => Platform.Inject(activity, r, PlatformSetter)))
            .Add("ours: W3C with marker, B3", Each(request, r => Write(outbound, r)))
            .Add("ours: the same, second hop", Each(request, r => Write(chained, r)))
            .Add("ours: the same, beside a foreign tracestate", Each(request, r => Write(withState, r)))
            .Print();
    }

    // Time against length: twice the text, twice the time, and never a byte.
    private static void Reject()
    {
        foreach (var c in ",=% ")
        {
            var comparison = new Comparison($"Reject a tracestate and a baggage of nothing but '{c}'");
            foreach (var length in new[] { 1_024, 8_192, 16_384 })
            {
                var headers = new HeaderDictionary
                {
                    ["traceparent"] = new string(c, length),
                    ["tracestate"] = new string(c, length),
                    ["b3"] = new string(c, length),
                    ["baggage"] = new string(c, length),
                };
                var list = new StringValues(new string(c, length));
                comparison.Add($"{length / 1024,2} KB", n =>
                {
                    for (var i = 0; i < n; i++)
                    {
                        ContextExtractor.Extract(new HeaderSnapshot(headers), PropagationSettings.Default, Empty);
                        TraceStateList.Normalize(list);
                    }
                });
            }

            comparison.Print();
        }
    }

    private static Action<int> Each(HttpRequestMessage request, Action<HttpRequestMessage> inject) => n =>
    {
        for (var i = 0; i < n; i++)
        {
            request.Headers.Clear();
            inject(request);
        }
    };

    private static void Write(in OutboundContext context, HttpRequestMessage request)
    {
        var writer = new RequestWriter(request);
        ContextInjector.Inject(context, ref writer, PropagationSettings.Default);
    }

    private static void Setter(HttpRequestMessage request, string name, string value)
    {
        request.Headers.Remove(name);
        request.Headers.Add(name, value);
    }

    private static void PlatformSetter(object? carrier, string name, string value) => ((HttpRequestMessage)carrier!).Headers.TryAddWithoutValidation(name, value);

    private readonly struct RequestWriter(HttpRequestMessage request) : IHeaderWriter
    {
        public void Set(string name, string value) => request.Headers.TryAddWithoutValidation(name, value);
    }
}
