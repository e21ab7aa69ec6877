using System.Diagnostics;
using System.Text.RegularExpressions;
using FsCheck.Xunit;
using Microsoft.Extensions.Primitives;
using OpenTelemetry.Context.Propagation;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Tests.Propagation;

/// <summary>Laws that hold for every context, list and text, checked on generated ones.</summary>
public sealed partial class PropagationLaws
{
    private const string Characters = "abz019_-*/@=,; \t~!%\"\\AZ\u007f\u00e9";

    // FsCheck begins with small numbers; an odd factor spreads them over all digits, and no id is zero.
    private static ulong Id(ulong number) => Math.Max(1, number * 0x9E3779B97F4A7C15);

    private static string TraceIdOf(ulong high, ulong low) => Some.Digits(high * 0xBF58476D1CE4E5B9) + Some.Digits(Id(low));

    [Property(MaxTest = 500)]
    public void W3C_InjectThenExtract_IsTheSame(ulong high, ulong low, ulong span, byte flags, int seed)
    {
        var context = new ActivityContext(
            ActivityTraceId.CreateFromString(TraceIdOf(high, low)), ActivitySpanId.CreateFromString(Some.Digits(Id(span))),
            (ActivityTraceFlags)(flags & 3), TraceStateList.Normalize(List(new Random(seed))), isRemote: true);

        Assert.Equal(context, RoundTrip(new W3CTraceContextPropagator(), new PropagationContext(context, default)).ActivityContext);
    }

    [Property(MaxTest = 500)]
    public void B3_InjectThenExtract_IsTheSameInEitherForm(ulong high, ulong low, ulong span, byte state, bool is64Bit)
    {
        var ids = new TraceIds(is64Bit ? 0 : high, Id(low), Id(span), 0, (SamplingState)(state % 4), IsRandom: false);
        var context = new PropagationContext(ids.ToActivityContext(TraceStateList.WithState(null, ids.State)), default);

        Assert.Equal(context, RoundTrip(new B3TraceContextPropagator(), context));
        Assert.Equal(context, RoundTrip(new B3TraceContextPropagator(singleHeader: false), context));
    }

    [Property(MaxTest = 500)]
    public void Baggage_InjectThenExtract_IsTheSameButForLoneSurrogates(string?[] values)
    {
        var items = values.Take(64).Select((value, i) => ($"key{i}", WellFormed(value ?? ""))).ToDictionary();
        var context = new PropagationContext(default, OpenTelemetry.Baggage.Create(items));

        Assert.Equal(items, RoundTrip(new W3CBaggagePropagator(), context).Baggage.GetBaggage());
    }

    [Property(MaxTest = 2_000)]
    public void Normalize_AnyList_IsIdempotentWithinTheLimitAndOfTheGrammar(int seed)
    {
        var random = new Random(seed);
        if (TraceStateList.Normalize(List(random)) is not { } normal) return;

        Assert.Equal(normal, TraceStateList.Normalize(normal));
        Assert.InRange(normal.Length, 1, 512);
        Assert.Matches(NormalList(), normal);
    }

    [Property(MaxTest = 500)]
    public void Normalize_ListOverSeveralFields_IsTheSame(int seed)
    {
        var random = new Random(seed);
        var members = List(random).Split(',');
        var cut = random.Next(members.Length + 1);

        Assert.Equal(
            TraceStateList.Normalize(string.Join(',', members)),
            TraceStateList.Normalize(new StringValues([string.Join(',', members[..cut]), string.Join(',', members[cut..])])));
    }

    [Property(MaxTest = 500)]
    public void WithMarker_AnyList_KeepsTheOrderOfTheOthersAndWholeMembers(int seed)
    {
        var random = new Random(seed);
        var list = TraceStateList.Normalize(List(random));
        var others = (list ?? "").Split(',').Where(m => m.Length > 0 && !m.StartsWith("mesh=", StringComparison.Ordinal)).ToArray();
        var isDebug = random.Next(2) == 0;
        var result = TraceStateList.WithMarker(list, Some.SpanId, isDebug);
        var kept = result.Split(',');

        Assert.InRange(kept.Length, 1, 32);
        Assert.InRange(result.Length, 1, 512);
        if (kept[0] == $"mesh=p:{Some.SpanId}{(isDebug ? ";s:d" : "")}")
        {
            Assert.Equal(others.Where(kept.Contains), kept[1..]);
            if (!isDebug) Assert.Equal(others.Length, kept.Length - 1);
        }
        else
        {
            Assert.False(isDebug);
            Assert.Equal(others, kept);
        }
    }

    [Property(MaxTest = 500)]
    public void TraceParent_LaterVersion_ReadsAsVersion00WhateverFollows(byte version, ulong low, ulong span, byte flags, string? tail)
    {
        var rest = $"-{TraceIdOf(0, low)}-{Some.Digits(Id(span))}-{flags:x2}";
        var later = $"{version % 254 + 1:x2}{rest}-{tail}";

        Assert.True(TraceParent.TryParse("00" + rest, out var expected));
        Assert.True(TraceParent.TryParse(later, out var read) || later[^1] is ' ' or '\t');
        if (read.HasIds) Assert.Equal(expected, read);
    }

    [Property(MaxTest = 256)]
    public void TraceParent_Flags_TwoBitsCountAndNoOtherGoesOn(byte flags)
    {
        var remote = Some.Extract(new Carrier { { "traceparent", $"00-{Some.TraceId}-{Some.SpanId}-{flags:x2}" } });

        Assert.Equal($"00-{Some.TraceId}-{Some.SpanId}-{flags & 3:x2}", remote.TraceParent);
    }

    [Property(MaxTest = 1_000)]
    public void TraceParent_OneCharacterChanged_IsNeverAnotherTrace(byte at, char c)
    {
        var changed = Some.TraceParent.ToCharArray();
        changed[at % changed.Length] = c;
        if (!TraceParent.TryParse(changed, out var ids) || char.IsAsciiHexDigitLower(c)) return;

        Assert.Equal(Some.TraceId, Some.TraceIdOf(ids));
        Assert.Equal(Some.SpanId, Some.SpanIdOf(ids));
    }

    [Property(MaxTest = 500)]
    public void B3_SingleAndMulti_ReadTheSame(ulong high, ulong low, ulong span, ulong parent, byte state, bool hasParent)
    {
        var ids = (Trace: TraceIdOf(high, low), Span: Some.Digits(Id(span)), Parent: Some.Digits(Id(parent)));
        var s = (SamplingState)(state % 4);
        var single = $"{ids.Trace}-{ids.Span}" + s switch { SamplingState.Accept => "-1", SamplingState.Deny => "-0", SamplingState.Debug => "-d", _ => "" };
        var multi = new Carrier { { "X-B3-TraceId", ids.Trace }, { "X-B3-SpanId", ids.Span } };
        if (s is SamplingState.Accept or SamplingState.Deny) multi.Add("X-B3-Sampled", s == SamplingState.Accept ? "1" : "0");
        if (s == SamplingState.Debug) multi.Add("X-B3-Flags", "1");
        if (hasParent)
        {
            single += "-" + ids.Parent;
            multi.Add("X-B3-ParentSpanId", ids.Parent);
        }

        Assert.Equal(Some.Extract(new Carrier { { "b3", single } }).Ids, Some.Extract(multi).Ids);
    }

    [Property(MaxTest = 2_000)]
    public void Extract_HeadersInAnotherOrderOrCase_ReadsTheSame(int seed)
    {
        var headers = Set(seed);
        var random = new Random(seed);
        var shuffled = headers.ToArray();
        random.Shuffle(shuffled);
        var other = new Carrier(shuffled.SelectMany(h => h.Value.Select(v => KeyValuePair.Create(h.Key.ToUpperInvariant(), v!))));

        AssertSame(ContextExtractor.Extract(new DictionaryReader(headers), PropagationSettings.Default), Some.Extract(other));
    }

    [Property(MaxTest = 2_000)]
    public void Extract_BlanksAroundAValue_ReadsTheSame(int seed)
    {
        var headers = Set(seed);
        var padded = headers.ToDictionary(h => h.Key, h => new StringValues([.. h.Value.Select(v => h.Key == RequestIds.RequestId ? v : $"\t {v} \t")]));

        AssertSame(
            ContextExtractor.Extract(new DictionaryReader(headers), PropagationSettings.Default),
            ContextExtractor.Extract(new DictionaryReader(padded), PropagationSettings.Default));
    }

    [Property(MaxTest = 500)]
    public void Extract_TwoTraces_TheOrderPicksTheWinnerAndTheOtherBecomesTheLink(ulong one, ulong two, ulong span)
    {
        if (Id(one) == Id(two)) return;
        var headers = new Carrier { { "traceparent", $"00-{TraceIdOf(one, one)}-{Some.Digits(Id(span))}-01" }, { "b3", $"{TraceIdOf(two, two)}-{Some.Digits(Id(span))}-1" } };
        var w3c = Some.Extract(headers);
        var b3 = Some.Extract(headers, new PropagationSettings { B3First = true });

        Assert.Equal((TraceIdOf(one, one), TraceIdOf(two, two)), (Some.TraceIdOf(w3c.Ids), Some.TraceIdOf(w3c.Link!.Ids)));
        Assert.Equal((TraceIdOf(two, two), TraceIdOf(one, one)), (Some.TraceIdOf(b3.Ids), Some.TraceIdOf(b3.Link!.Ids)));
    }

    [Property(MaxTest = 500)]
    public void Extract_AnyTextInEveryHeader_ReturnsNoIds(string? text)
    {
        var names = PropagationSettings.ForwardOnly([]).PassThrough;
        var remote = Some.Extract(new Carrier(names.Select(name => KeyValuePair.Create(name, text ?? ""))));

        Assert.False(remote.Ids.HasIds);
    }

    private static Dictionary<string, StringValues> Set(int seed)
    {
        var headers = new Dictionary<string, StringValues>();
        new HeaderMutator(seed).Next(headers);
        return headers;
    }

    private static void AssertSame(RemoteContext expected, RemoteContext actual)
    {
        Assert.Equal(expected.Ids, actual.Ids);
        Assert.Equal(expected.TraceParent, actual.TraceParent);
        Assert.Equal(expected.TraceState, actual.TraceState);
        Assert.Equal(expected.Link, actual.Link);
        Assert.Equal(expected.Conflict, actual.Conflict);
        Assert.Equal(expected.Baggage ?? [], actual.Baggage ?? []);
    }

    private static PropagationContext RoundTrip(TextMapPropagator propagator, PropagationContext context)
    {
        var carrier = new Carrier();
        propagator.Inject(context, carrier, Carrier.Setter);
        return propagator.Extract(default, carrier, Carrier.Getter);
    }

    private static string WellFormed(string text) => string.Concat(text.EnumerateRunes());

    // Mostly valid members, a few invalid ones, blanks and empty ones between.
    private static string List(Random random)
    {
        var members = new List<string>();
        for (var i = random.Next(36); i >= 0; i--)
        {
            members.Add(random.Next(40) switch
            {
                0 => "",
                1 => " \t",
                2 => "mesh=p:e457b5a2e4d86bd1",
                3 when random.Next(8) == 0 => new string([.. Enumerable.Range(0, random.Next(6)).Select(_ => Characters[random.Next(Characters.Length)])]),
                _ => $"{(random.Next(4) == 0 ? " " : "")}k{random.Next(50)}={new string('v', random.Next(8) == 0 ? random.Next(1, 257) : random.Next(1, 20))}",
            });
        }

        return string.Join(',', members);
    }

    // Transcribed from the specification.
    [GeneratedRegex(@"^[a-z0-9][a-z0-9_*/@-]{0,255}=[\x20-\x2B\x2D-\x3C\x3E-\x7E]{0,255}[\x21-\x2B\x2D-\x3C\x3E-\x7E](,[a-z0-9][a-z0-9_*/@-]{0,255}=[\x20-\x2B\x2D-\x3C\x3E-\x7E]{0,255}[\x21-\x2B\x2D-\x3C\x3E-\x7E]){0,31}$")]
    private static partial Regex NormalList();
}
