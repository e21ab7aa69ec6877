using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.B3;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Tests.Propagation;

/// <summary>Header sets with random faults, and what holds for each.</summary>
public sealed class HeaderFuzzTests
{
    private const int SetsPerRun = 250_000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Extract_DamagedHeaders_InvariantsHold(int seed)
    {
        var mutator = new HeaderMutator(seed);
        var headers = new Dictionary<string, StringValues>();
        var sent = new Dictionary<string, StringValues>();
        var (contexts, links, denied, debug) = (0, 0, 0, 0);
        for (var i = 0; i < SetsPerRun; i++)
        {
            mutator.Next(headers);
            var remote = ContextExtractor.Extract(new DictionaryReader(headers), PropagationSettings.Default);
            if (!MayBeSampled(headers) && remote.Ids.IsSampled) Fail("A denied trace became a sampled one", seed, i, headers);
            if (!remote.Ids.HasIds)
            {
                if (remote.TraceParent is not null || remote.TraceState is not null || remote.Link is not null) Fail("A context without ids", seed, i, headers);
                continue;
            }

            contexts++;
            links += remote.Link is null ? 0 : 1;
            denied += remote.Ids.State == SamplingState.Deny ? 1 : 0;
            debug += remote.Ids.State == SamplingState.Debug ? 1 : 0;
            CheckIds(remote, headers, seed, i);
            CheckPassedOn(remote, headers, sent, seed, i);
        }

        // Otherwise the run would have proven nothing.
        Assert.InRange(contexts, SetsPerRun / 2, SetsPerRun);
        Assert.InRange(links, SetsPerRun / 20, SetsPerRun);
        Assert.InRange(denied, SetsPerRun / 20, SetsPerRun);
        Assert.InRange(debug, SetsPerRun / 20, SetsPerRun);
    }

    private static void CheckIds(RemoteContext remote, Dictionary<string, StringValues> headers, int seed, int i)
    {
        if (!Contains(headers, Some.Digits(remote.Ids.SpanId)) || !Contains(headers, Some.Digits(remote.Ids.TraceLow))) Fail("Ids that did not come in", seed, i, headers);
        if (remote.TraceParent is null || !TraceParent.IsCanonical(remote.TraceParent) || !TraceParent.TryParse(remote.TraceParent, out _)) Fail("A traceparent that is none", seed, i, headers);
        if (remote.TraceState is { } list && TraceStateList.Normalize(list) != list) Fail("A tracestate that is not normal", seed, i, headers);
        if (remote.Link is { } link && (link.Format == "b3" ? remote.Ids.IsSameTraceAs(link.Ids) : link.Ids.IsSameTraceAs(remote.Ids))) Fail("A link to the trace itself", seed, i, headers);
    }

    private static void CheckPassedOn(RemoteContext remote, Dictionary<string, StringValues> headers, Dictionary<string, StringValues> sent, int seed, int i)
    {
        var ids = remote.Ids;
        sent.Clear();
        var writer = new DictionaryWriter(sent);
        ContextInjector.Inject(
            new OutboundContext(ids.ToActivityTraceId().ToHexString(), ids.ToActivitySpanId().ToHexString(), ids.State, ids.IsRandom, remote.TraceState),
            ref writer, PropagationSettings.Default);
        foreach (var (_, value) in sent)
        {
            if (!HeaderText.IsSafe(value.ToString())) Fail("A header that must not leave", seed, i, headers);
        }

        var next = ContextExtractor.Extract(new DictionaryReader(sent), PropagationSettings.Default).Ids;
        // W3C has no word for undecided: only a process that does not record would send it.
        var expected = ids with { ParentSpanId = 0, State = ids.State == SamplingState.Defer ? SamplingState.Deny : ids.State };
        if (next != expected) Fail("The next hop reads something else", seed, i, headers);
    }

    // Whether any header, valid or not, could be read as accept or debug.
    private static bool MayBeSampled(Dictionary<string, StringValues> headers)
    {
        foreach (var (name, values) in headers)
        {
            foreach (var value in values)
            {
                var text = value!.Trim();
                switch (name)
                {
                    case TraceParent.HeaderName when text.Length >= 55 && "13579bdf".Contains(text[54], StringComparison.Ordinal):
                    case TraceStateList.HeaderName when text.Contains("s:d", StringComparison.Ordinal):
                    case B3Headers.Single when text is "1" or "d" || text.Contains("-1", StringComparison.Ordinal) || text.Contains("-d", StringComparison.Ordinal):
                    case B3Headers.Sampled when text is "1" || text.Equals("true", StringComparison.OrdinalIgnoreCase):
                    case B3Headers.Flags when text is "1":
                        return true;
                }
            }
        }

        return false;
    }

    private static bool Contains(Dictionary<string, StringValues> headers, string text)
    {
        foreach (var (_, values) in headers)
        {
            foreach (var value in values)
            {
                if (value!.Contains(text, StringComparison.Ordinal)) return true;
            }
        }

        return false;
    }

    private static void Fail(string what, int seed, int i, Dictionary<string, StringValues> headers) =>
        Assert.Fail($"{what} (seed {seed}, set {i}): {string.Join("; ", headers.Select(h => $"{h.Key}={string.Join(" | ", h.Value.ToArray())}"))}");
}
