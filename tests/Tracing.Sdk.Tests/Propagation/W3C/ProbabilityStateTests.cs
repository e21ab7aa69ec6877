using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using FsCheck.Xunit;
using Tracing.Sdk.Propagation.W3C;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Propagation.W3C;

/// <summary>OpenTelemetry's member of tracestate, by the vectors and by the tables of the specification.</summary>
public sealed class ProbabilityStateTests
{
    private static readonly JsonElement[] Vectors = Load();
    private static readonly ActivityTraceId AnyTrace = ActivityTraceId.CreateFromString("0af7651916cd43dd8448eb211c80319c");
    private static readonly ActivityTraceId LastTrace = ActivityTraceId.CreateFromString("0000000000000000ffffffffffffffff");

    public static TheoryData<string> Ratios => Names("probabilityToThreshold");
    public static TheoryData<string> Decoded => Names("decodeThreshold");
    public static TheoryData<string> Encoded => Names("encodeThreshold");
    public static TheoryData<string> Decided => Names("decide");
    public static TheoryData<string> Followed => Names("parentThreshold");

    [Theory, MemberData(nameof(Ratios))]
    public void Ratio_OfTheSpecification_HasItsThreshold(string name) =>
        Assert.Equal($"ot=th:{Expect(name, "th")}", MemberOf(Input(name).GetProperty("probability").GetDouble()));

    // The column for four digits of the specification's table.
    [Theory]
    [InlineData(1, "0")]
    [InlineData(2, "8")]
    [InlineData(3, "aaab")]
    [InlineData(4, "c")]
    [InlineData(5, "cccd")]
    [InlineData(8, "e")]
    [InlineData(10, "e666")]
    [InlineData(16, "f")]
    [InlineData(100, "fd70a")]
    [InlineData(1_000, "ffbe77")]
    [InlineData(10_000, "fff9724")]
    [InlineData(100_000, "ffff583a")]
    [InlineData(1_000_000, "ffffef39")]
    public void Ratio_OneOfN_HasTheThresholdOfTheTable(int n, string th) => Assert.Equal($"ot=th:{th}", MemberOf(1.0 / n));

    [Theory]
    [InlineData(1e-17, "ffffffffffffff")]
    [InlineData(double.Epsilon, "ffffffffffffff")]
    [InlineData(0.999, "0042")]
    [InlineData(0.9999999, "0")]
    public void Ratio_AtTheEnds_IsNeverRoundedToNothing(double ratio, string th) => Assert.Equal($"ot=th:{th}", MemberOf(ratio));

    [Theory, MemberData(nameof(Decoded))]
    public void Threshold_OfACaller_HoldsOnlyIfItIsWellFormedAndReached(string name)
    {
        var list = $"ot=th:{Input(name).GetProperty("th").GetString()};x:1";
        if (Expect(name, "threshold56") is not { } threshold)
        {
            Assert.Equal("ot=x:1", ProbabilityState.WithoutWrongThreshold(list, isSampled: true, LastTrace));
            return;
        }

        Assert.Equal(list, ProbabilityState.WithoutWrongThreshold(list, isSampled: true, TraceOf(Number(threshold))));
        if (Number(threshold) > 0) Assert.Equal("ot=x:1", ProbabilityState.WithoutWrongThreshold(list, isSampled: true, TraceOf(Number(threshold) - 1)));
    }

    [Theory, MemberData(nameof(Encoded))]
    public void Format_Threshold_HasNoZerosAtItsEnd(string name) =>
        Assert.Equal($"ot=th:{Expect(name, "th")}", ProbabilityState.Format(Number(Input(name).GetProperty("threshold56").GetString()!)));

    [Theory, MemberData(nameof(Decided))]
    public void Randomness_OfTheVectors_ReachesTheThresholdOrNot(string name)
    {
        var input = Input(name);
        var randomness = ProbabilityState.GetRandomness(input.GetProperty("tracestate").GetString(), ActivityTraceId.CreateFromString(input.GetProperty("traceId").GetString()));

        Assert.Equal(Vectors.Single(v => v.GetProperty("name").GetString() == name).GetProperty("expect").GetProperty("keep").GetBoolean(), randomness >= Number(input.GetProperty("samplerTh").GetString()!.PadRight(14, '0')));
    }

    [Theory, MemberData(nameof(Followed))]
    public void Caller_OfTheVectors_KeepsARightThresholdOnly(string name)
    {
        var input = Input(name);

        Assert.Equal(
            Expect(name, "tracestate"),
            ProbabilityState.WithoutWrongThreshold(input.GetProperty("tracestate").GetString(), input.GetProperty("sampled").GetBoolean(), ActivityTraceId.CreateFromString(input.GetProperty("traceId").GetString())));
    }

    [Theory]
    [InlineData(null, "ot=th:c", "ot=th:c")]
    [InlineData("", "ot=th:c", "ot=th:c")]
    [InlineData("foo=1,bar=2", "ot=th:c", "ot=th:c,foo=1,bar=2")]
    [InlineData("foo=1,ot=rv:00000000000001;x:1,bar=2", "ot=th:c", "ot=th:c;rv:00000000000001;x:1,foo=1,bar=2")]
    [InlineData("ot=x:1;th:8;y:2", "ot=th:c", "ot=th:c;x:1;y:2")]
    [InlineData("ot=th:8;th:9", "ot=th:c", "ot=th:c")]
    [InlineData("ot=th:c,foo=1", "ot=th:c", "ot=th:c,foo=1")]
    [InlineData("foo=1,ot=th:c", "ot=th:c", "foo=1,ot=th:c")]
    [InlineData("mesh=p:00f067aa0ba902b7;s:d,foo=1", "ot=th:c", "ot=th:c,mesh=p:00f067aa0ba902b7;s:d,foo=1")]
    [InlineData("foo=1, ot=th:8", "ot=th:c", "ot=th:c,foo=1")]
    [InlineData("not=th:8", "ot=th:c", "ot=th:c,not=th:8")]
    [InlineData("ot=th", "ot=th:c", "ot=th:c;th")]
    [InlineData("ot=;;", "ot=th:c", "ot=th:c")]
    [InlineData("INVALID", "ot=th:c", "ot=th:c")]
    public void WithThreshold_ByARatio_ReplacesTheOldOneAndNothingElse(string? list, string threshold, string expected) =>
        Assert.Equal(expected, ProbabilityState.WithThreshold(list, threshold));

    [Theory]
    [InlineData(null, null)]
    [InlineData("foo=1", "foo=1")]
    [InlineData("ot=x:1,foo=1", "ot=x:1,foo=1")]
    [InlineData("ot=th:8", null)]
    [InlineData("ot=th:8,foo=1", "foo=1")]
    [InlineData("foo=1,ot=th:8;x:1", "ot=x:1,foo=1")]
    [InlineData("foo=1,ot=th:;x:1", "ot=x:1,foo=1")]
    public void WithThreshold_NotKnown_ErasesIt(string? list, string? expected) => Assert.Equal(expected, ProbabilityState.WithThreshold(list, null));

    [Theory]
    [InlineData(null, null)]
    [InlineData("foo=1", "foo=1")]
    [InlineData("ot=rv:00000000000001", "ot=rv:00000000000001")]
    [InlineData("ot=th:8,foo=1", "ot=th:0,foo=1")]
    public void WithThreshold_OfAll_IsWrittenInPlaceOfAnotherOnly(string? list, string? expected) => Assert.Equal(expected, ProbabilityState.WithThreshold(list, ProbabilityState.All));

    [Fact]
    public void WithThreshold_FullList_PushesTheRightMostOut()
    {
        var list = string.Join(',', Enumerable.Range(0, 32).Select(i => $"k{i}=1"));

        Assert.Equal("ot=th:c," + list[..list.LastIndexOf(',')], ProbabilityState.WithThreshold(list, "ot=th:c"));
    }

    [Fact]
    public void WithThreshold_LongList_StaysWithinTheLimit()
    {
        var list = string.Join(',', Enumerable.Range(0, 5).Select(i => $"k{i}={new string('a', 99)}"));
        var changed = ProbabilityState.WithThreshold(list, "ot=th:c");

        Assert.Equal("ot=th:c," + list[..list.LastIndexOf(',')], changed);
    }

    [Fact]
    public void WithThreshold_NoRoomBesideOtherKeys_ErasesIt()
    {
        var other = "x:" + new string('a', 247);

        Assert.Equal($"ot={other}", ProbabilityState.WithThreshold($"ot=th:8;{other}", "ot=th:fd70a"));
    }

    [Theory]
    [InlineData("ot=")]
    [InlineData("ot=rv:ff")]
    [InlineData("ot=rv:FFFFFFFFFFFFFF")]
    [InlineData("ot=rv:fffffffffffffff")]
    [InlineData("ot=rv:ffffffffffffg\u00e9")]
    [InlineData("rv=ffffffffffffff")]
    [InlineData("ot=x:rv:ffffffffffffff")]
    [InlineData("foo=ot=rv:ffffffffffffff")]
    public void Randomness_Malformed_IsThatOfTheId(string list) => Assert.Equal(0x48eb211c80319cUL, ProbabilityState.GetRandomness(list, AnyTrace));

    [Theory]
    [InlineData(";")]
    [InlineData("ot=")]
    [InlineData(",ot=")]
    [InlineData("th:")]
    [InlineData("ot=th:g;")]
    [InlineData("ot=rv:;")]
    public void AnyBomb_IsReadWithoutAnAllocation(string text)
    {
        var bomb = "foo=1," + string.Concat(Enumerable.Repeat(text, 16_000 / text.Length));
        Assert.Equal(0, Allocations.Of(() => _ = ProbabilityState.GetRandomness(bomb, AnyTrace)));
    }

    [Property(MaxTest = 2_000)]
    public void WithThreshold_AnyList_IsValidAndHasTheThresholdOnce(int seed)
    {
        var random = new Random(seed);
        const string characters = "otherv:;=,01 f\tA\u00e9";
        var list = string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => random.Next(4) == 0 ? ",ot=th:" : characters[random.Next(characters.Length)].ToString()));
        var changed = ProbabilityState.WithThreshold(list, "ot=th:e666")!;

        Assert.Equal(changed, ProbabilityState.WithThreshold(changed, "ot=th:e666"));
        if (changed != list) Assert.Equal(changed, TraceStateList.Normalize(changed));
        Assert.DoesNotContain("th:", ProbabilityState.WithThreshold(changed, null)?.Split(',').SingleOrDefault(m => m.StartsWith("ot=", StringComparison.Ordinal)) ?? "", StringComparison.Ordinal);
    }

    [Property(MaxTest = 1_000)]
    public void Ratio_LowerOne_KeepsAPartOfWhatAHigherOneKeeps(ulong low, double a, double b)
    {
        a = Math.Abs(a % 1);
        b = Math.Abs(b % 1);
        if (double.IsNaN(a) || double.IsNaN(b)) return;
        var trace = TraceOf(low * 0x9E3779B97F4A7C15 >> 8);
        var (lower, higher) = (new ProbabilitySampler(Math.Min(a, b)).Decide(trace, null, default), new ProbabilitySampler(Math.Max(a, b)).Decide(trace, null, default));

        Assert.True(!lower.IsRecorded || higher.IsRecorded);
        // What is written is what has decided.
        if (lower.IsRecorded) Assert.Equal(lower.Threshold, ProbabilityState.WithoutWrongThreshold(lower.Threshold, isSampled: true, trace));
    }

    private static string? MemberOf(double ratio) => new ProbabilitySampler(ratio).Decide(LastTrace, null, default).Threshold;
    private static ActivityTraceId TraceOf(ulong randomness) => ActivityTraceId.CreateFromString($"000000000000000001{randomness:x14}");
    private static ulong Number(string hex) => ulong.Parse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
    private static JsonElement Input(string name) => Vectors.Single(v => v.GetProperty("name").GetString() == name).GetProperty("input");
    private static string? Expect(string name, string field) => Vectors.Single(v => v.GetProperty("name").GetString() == name).GetProperty("expect").GetProperty(field).GetString();
    private static TheoryData<string> Names(string kind) => [.. Vectors.Where(v => v.GetProperty("kind").GetString() == kind).Select(v => v.GetProperty("name").GetString()!)];

    private static JsonElement[] Load()
    {
        using var stream = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "vectors", "sampling.json"));
        return [.. JsonDocument.Parse(stream).RootElement.EnumerateArray()];
    }
}
