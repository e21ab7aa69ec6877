using System.Text.Json;
using System.Text.RegularExpressions;

namespace Tracing.Sdk.IntegrationTests.Wire;

/// <summary>
/// The cases of the W3C's own suite, at its strict level 2 and for level 2 of the specification, under its names: a service is asked to call
/// back, and judged by the headers that arrive. https://github.com/w3c/trace-context/tree/main/test
/// </summary>
[Collection(WireSuite.Name)]
public sealed partial class ConformanceTests(WireFixture wire)
{
    private const string Trace = "12345678901234567890123456789012";
    private const string Parent = "1234567890123456";

    // Every case is a list of requests, each with what must be seen at the end of the calls that it causes.
    private static readonly Dictionary<string, Step[]> Suite = new()
    {
        ["both_traceparent_and_tracestate_missing"] = [New([])],
        ["traceparent_included_tracestate_missing"] = [Same([TraceParent("01")]) with { HasNewParent = true }],
        ["traceparent_duplicated"] =
        [
            New([new("traceparent", $"00-{Trace[..^1]}1-{Parent}-01"), TraceParent("01")]) with { Not = [Trace, $"{Trace[..^1]}1"] },
        ],
        ["traceparent_header_name"] = [New([TraceParent("01", "trace-parent")]), New([TraceParent("01", "trace.parent")])],
        ["traceparent_header_name_valid_casing"] =
            [Same([TraceParent("01", "TraceParent")]), Same([TraceParent("01", "TrAcEpArEnT")]), Same([TraceParent("01", "TRACEPARENT")])],
        ["traceparent_version_0x00"] =
            [New($"00-{Trace}-{Parent}-01."), New($"00-{Trace}-{Parent}-01-what-the-future-will-be-like")],
        ["traceparent_version_0xcc"] =
        [
            Same($"cc-{Trace}-{Parent}-01"), Same($"cc-{Trace}-{Parent}-01-what-the-future-will-be-like"),
            New($"cc-{Trace}-{Parent}-01.what-the-future-will-be-like"),
        ],
        ["traceparent_version_0xff"] = [New($"ff-{Trace}-{Parent}-01")],
        ["traceparent_version_illegal_characters"] = [New($".0-{Trace}-{Parent}-01"), New($"0.-{Trace}-{Parent}-01")],
        ["traceparent_version_too_long"] = [New($"000-{Trace}-{Parent}-01"), New($"0000-{Trace}-{Parent}-01")],
        ["traceparent_version_too_short"] = [New($"0-{Trace}-{Parent}-01")],
        ["traceparent_trace_id_all_zero"] = [New($"00-{new string('0', 32)}-{Parent}-01") with { Not = [new string('0', 32)] }],
        ["traceparent_trace_id_illegal_characters"] = [New($"00-.{Trace[1..]}-{Parent}-01"), New($"00-{Trace[..^1]}.-{Parent}-01")],
        ["traceparent_trace_id_too_long"] = [New($"00-{Trace}3-{Parent}-01") with { Not = [Trace, $"{Trace[1..]}3"] }],
        ["traceparent_trace_id_too_short"] = [New($"00-{Trace[..^1]}-{Parent}-01")],
        ["traceparent_parent_id_all_zero"] = [New($"00-{Trace}-0000000000000000-01")],
        ["traceparent_parent_id_illegal_characters"] = [New($"00-{Trace}-.{Parent[1..]}-01"), New($"00-{Trace}-{Parent[..^1]}.-01")],
        ["traceparent_parent_id_too_long"] = [New($"00-{Trace}-{Parent}7-01")],
        ["traceparent_parent_id_too_short"] = [New($"00-{Trace}-{Parent[..^1]}-01")],
        ["traceparent_trace_flags_illegal_characters"] = [New($"00-{Trace}-{Parent}-.0"), New($"00-{Trace}-{Parent}-0.")],
        ["traceparent_trace_flags_too_long"] = [New($"00-{Trace}-{Parent}-001")],
        ["traceparent_trace_flags_too_short"] = [New($"00-{Trace}-{Parent}-1")],
        ["traceparent_ows_handling"] =
        [
            Same($" 00-{Trace}-{Parent}-01"), Same($"\t00-{Trace}-{Parent}-01"), Same($"00-{Trace}-{Parent}-01 "),
            Same($"00-{Trace}-{Parent}-01\t"), Same($"\t 00-{Trace}-{Parent}-01 \t"),
        ],
        ["tracestate_included_traceparent_missing"] =
        [
            New([new("tracestate", "foo=1")]) with { Without = ["foo"], Members = 1 },
            New([new("tracestate", "foo=1,bar=2")]) with { Without = ["foo", "bar"], Members = 1 },
        ],
        ["tracestate_included_traceparent_included"] = [State("foo=1,bar=2") with { With = ["foo=1", "bar=2"] }],
        ["tracestate_header_name"] =
        [
            Same([TraceParent("00"), new("trace-state", "foo=1")]) with { Without = ["foo"] },
            Same([TraceParent("00"), new("trace.state", "foo=1")]) with { Without = ["foo"] },
        ],
        ["tracestate_header_name_valid_casing"] =
        [
            Same([TraceParent("00"), new("TraceState", "foo=1")]) with { With = ["foo=1"] },
            Same([TraceParent("00"), new("TrAcEsTaTe", "foo=1")]) with { With = ["foo=1"] },
            Same([TraceParent("00"), new("TRACESTATE", "foo=1")]) with { With = ["foo=1"] },
        ],
        ["tracestate_empty_header"] =
            [State(""), State("foo=1", "") with { With = ["foo=1"] }, State("", "foo=1") with { With = ["foo=1"] }],
        ["tracestate_multiple_headers_different_keys"] =
            [State("foo=1,bar=2", "rojo=1,congo=2", "baz=3") with { With = ["foo=1", "bar=2", "rojo=1", "congo=2", "baz=3"] }],
        // The suite takes both members or one; the left one is the newer.
        ["tracestate_duplicated_keys"] =
        [
            State("foo=1,foo=1") with { With = ["foo=1"] }, State("foo=1,foo=2") with { With = ["foo=1"] },
            State("foo=1", "foo=1") with { With = ["foo=1"] }, State("foo=1", "foo=2") with { With = ["foo=1"] },
        ],
        ["tracestate_all_allowed_characters"] =
        [
            State($"{KeyCharacters}={ValueCharacters}") with { With = [$"{KeyCharacters}={ValueCharacters}"] },
            State($"{KeyCharacters}@a-z0-9_-*/={ValueCharacters}") with { With = [$"{KeyCharacters}@a-z0-9_-*/={ValueCharacters}"] },
        ],
        ["tracestate_ows_handling"] =
        [
            State("foo=1 \t , \t bar=2, \t baz=3") with { With = ["foo=1", "bar=2", "baz=3"] },
            State("foo=1\t \t,\t \tbar=2,\t \tbaz=3") with { With = ["foo=1", "bar=2", "baz=3"] },
            State(" foo=1") with { With = ["foo=1"] }, State("\tfoo=1") with { With = ["foo=1"] },
            State("foo=1 ") with { With = ["foo=1"] }, State("foo=1\t") with { With = ["foo=1"] },
            State("\t foo=1 \t") with { With = ["foo=1"] },
        ],
        ["tracestate_key_illegal_characters"] =
        [
            State("foo =1") with { Without = ["foo ", "foo"] }, State("FOO=1") with { Without = ["FOO"] }, State("foo.bar=1") with { Without = ["foo.bar"] },
        ],
        // Level 2 of the specification has no vendor part any more: an at sign may stand anywhere but in the first place.
        ["tracestate_key_illegal_vendor_format"] =
        [
            State("foo@=1,bar=2") with { With = ["foo@=1", "bar=2"] }, State("@foo=1,bar=2") with { Without = ["@foo", "bar"] },
            State("foo@@bar=1,bar=2") with { With = ["foo@@bar=1", "bar=2"] }, State("foo@bar@baz=1,bar=2") with { With = ["foo@bar@baz=1", "bar=2"] },
        ],
        ["tracestate_member_count_limit"] =
        [
            State(Members(1, 10), Members(11, 20), Members(21, 30), Members(31, 32)) with { With = Members(1, 32).Split(','), Members = 32 },
            State(Members(1, 10), Members(11, 20), Members(21, 30), Members(31, 33)) with { Without = ["bar01"] },
        ],
        ["tracestate_key_length_limit"] =
        [
            State("foo=1", $"{new string('z', 256)}=1") with { With = ["foo=1", $"{new string('z', 256)}=1"] },
            State("foo=1", $"{new string('z', 257)}=1") with { Without = ["foo"] },
            State("foo=1", $"{new string('t', 241)}@{new string('v', 14)}=1") with { With = ["foo=1"] },
            State("foo=1", $"{new string('t', 242)}@v=1") with { With = ["foo=1"] },
            State("foo=1", $"t@{new string('v', 15)}=1") with { With = ["foo=1"] },
        ],
        ["tracestate_value_illegal_characters"] =
            [State("foo=bar=baz") with { Without = ["foo"] }, State("foo=,bar=3") with { Without = ["foo", "bar"] }],
        ["propagates_random_flag"] = [Same([TraceParent("02")]) with { HasNewParent = true, Flags = "02" }],
        ["multiple_requests_with_valid_traceparent"] = [Same([TraceParent("01")]) with { HasNewParent = true, Calls = 3 }],
        ["multiple_requests_without_traceparent"] = [New([]) with { Calls = 3 }],
        ["multiple_requests_with_illegal_traceparent"] =
            [New($"00-{new string('0', 32)}-{Parent}-01") with { Not = [new string('0', 32)], Calls = 3 }],
    };

    private const string KeyCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";

    private static string ValueCharacters => new([.. Enumerable.Range(0x20, 0x5F).Select(code => (char)code).Where(c => c is not (',' or '='))]);

    public static TheoryData<string> Names => new(Suite.Keys);

    [Fact]
    public void Suite_HasEveryCase() => Assert.Equal(41, Suite.Count);

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Case_OfTheSuite_Passes(string name)
    {
        foreach (var step in Suite[name])
        {
            var calls = await SendAsync(name, step);
            Assert.Equal(step.Calls, calls.Count);
            var ids = calls.ConvertAll(call => Check(call, step));
            Assert.Equal(step.Calls, ids.Select(id => id.SpanId).Distinct().Count());
            Assert.Single(ids.Select(id => id.TraceId).Distinct());
        }
    }

    private async Task<List<RawMessage>> SendAsync(string name, Step step)
    {
        var tag = wire.NewTag(name);
        var calls = Enumerable.Range(0, step.Calls).Select(call => new { url = $"{wire.Sink.Address}/{tag}/{call}", arguments = Array.Empty<object>() });
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var response = await connection.SendAsync("POST", $"/test/{tag}", step.Headers, JsonSerializer.SerializeToUtf8Bytes(calls));
        Assert.Equal(200, response.Status);
        return [.. wire.Sink.Requests(tag)];
    }

    private static (string TraceId, string SpanId) Check(RawMessage call, Step step)
    {
        var traceparent = call.One("traceparent");
        Assert.NotNull(traceparent);
        Assert.Matches(Valid(), traceparent);
        var (traceId, spanId, flags) = (traceparent[3..35], traceparent[36..52], traceparent[53..]);
        Assert.NotEqual(new string('0', 32), traceId);
        Assert.NotEqual(new string('0', 16), spanId);
        if (step.TraceId is not null) Assert.Equal(step.TraceId, traceId);
        Assert.DoesNotContain(traceId, step.Not);
        if (step.HasNewParent) Assert.NotEqual(Parent, spanId);
        if (step.Flags is not null) Assert.Equal(step.Flags, flags);

        var members = string.Join(',', call.All("tracestate")).Split(',');
        Assert.Equal(step.With, members.Where(step.With.Contains));
        Assert.DoesNotContain(members, member => step.Without.Contains(member.Split('=')[0]));
        if (step.Members is { } count) Assert.Equal(count, members.Length);
        return (traceId, spanId);
    }

    private static HeaderLine TraceParent(string flags, string name = "traceparent") => new(name, $"00-{Trace}-{Parent}-{flags}");

    private static Step Same(HeaderLine[] headers) => new(headers) { TraceId = Trace };

    private static Step Same(string traceparent) => Same([new("traceparent", traceparent)]);

    private static Step New(HeaderLine[] headers) => new(headers) { Not = [Trace] };

    private static Step New(string traceparent) => New([new("traceparent", traceparent)]);

    private static Step State(params string[] fields) => Same([TraceParent("00"), .. fields.Select(field => new HeaderLine("tracestate", field))]);

    private static string Members(int first, int last) =>
        string.Join(',', Enumerable.Range(first, last - first + 1).Select(number => $"bar{number:00}={number:00}"));

    [GeneratedRegex("^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")]
    private static partial Regex Valid();

    /// <summary>One request and what its calls must show.</summary>
    private sealed record Step(HeaderLine[] Headers)
    {
        public int Calls { get; init; } = 1;

        public string? TraceId { get; init; }

        /// <summary>Trace ids that must not be seen.</summary>
        public string[] Not { get; init; } = [];

        public bool HasNewParent { get; init; }

        public string? Flags { get; init; }

        /// <summary>Members that must be there, in this order.</summary>
        public string[] With { get; init; } = [];

        /// <summary>Keys that must not be there.</summary>
        public string[] Without { get; init; } = [];

        public int? Members { get; init; }
    }
}
