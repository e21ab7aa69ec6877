using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Mesh;

namespace Tracing.Sdk.Tests.Propagation;

/// <summary>Both formats in one request: the rules, the evidence of freshness, and what real proxies were recorded to send.</summary>
public sealed class ConflictVectorTests
{
    public static TheoryData<string, string> Names
    {
        get
        {
            var names = new TheoryData<string, string>();
            foreach (var file in new[] { "conflict", "freshness", "envoy-wire" })
            {
                foreach (var name in Vector.NamesIn(file)) names.Add(file, name);
            }

            return names;
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Extract_Vector_TheRightContextWins(string file, string name)
    {
        var vector = Vector.Get(file, name);
        var remote = Some.Extract(vector.Headers);

        if (vector.Text("use") == "new-root")
        {
            Assert.False(remote.Ids.HasIds);
            Assert.Equal(vector.State("hint"), remote.Ids.State);
            Assert.Null(remote.TraceState);
            return;
        }

        Assert.Equal(vector.Text("traceId"), Some.TraceIdOf(remote.Ids));
        Assert.Equal(vector.Text("spanId"), Some.SpanIdOf(remote.Ids));
        Assert.Equal(vector.State(), remote.Ids.State);
        if (vector.Expect.TryGetProperty("random", out var random)) Assert.Equal(random.GetBoolean(), remote.Ids.IsRandom);
        Assert.Equal(Some.Unmarked(vector.Text("tracestate")), remote.TraceState);
        // What an Activity gets holds the state as well, for code that hands its context on.
        Assert.Equal(remote.TraceState, Some.Unmarked(remote.ActivityTraceState));
        Assert.Equal(vector.State() == SamplingState.Debug, Marker.Find(remote.ActivityTraceState).IsDebug);
        Assert.Equal(vector.State() == SamplingState.Defer, Marker.Find(remote.ActivityTraceState).IsUndecided);
    }

    [Theory, MemberData(nameof(Names))]
    public void Extract_Vector_TheOtherTraceBecomesALink(string file, string name)
    {
        var vector = Vector.Get(file, name);
        var remote = Some.Extract(vector.Headers);

        var linked = remote.Link is { } link ? $"{Some.TraceIdOf(link.Ids)}/{Some.SpanIdOf(link.Ids)} {link.Format}" : null;
        var expected = vector.Expect.GetProperty("link") is { ValueKind: System.Text.Json.JsonValueKind.Object } l
            ? $"{l.GetProperty("traceId").GetString()}/{l.GetProperty("spanId").GetString()} {(vector.Text("use") == "w3c" ? "b3" : "w3c")}"
            : null;
        Assert.Equal(expected, linked);
        Assert.Equal(expected is not null, remote.Conflict.HasFlag(ContextConflict.TraceId));
    }

    // What wins is named by the vector, so the ids must be those that this format alone would give.
    [Theory, MemberData(nameof(Names))]
    public void Extract_Vector_TheParentComesFromTheNamedFormat(string file, string name)
    {
        var vector = Vector.Get(file, name);
        Func<string, bool> isOfTheNamed = vector.Text("use") switch
        {
            "w3c" => static header => header is "traceparent",
            "b3-single" => static header => header is "b3",
            "b3-multi" => static header => header.StartsWith("x-b3-", StringComparison.Ordinal),
            _ => static _ => false,
        };
        var alone = Some.Extract(new Carrier(vector.Headers.Where(h => isOfTheNamed(h.Key.ToLowerInvariant()))));

        Assert.Equal(alone.Ids.SpanId, Some.Extract(vector.Headers).Ids.SpanId);
    }
}
