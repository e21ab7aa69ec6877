using System.Collections;
using System.Diagnostics;
using System.Net;
using System.Numerics;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Tests.Export.Encoding;

/// <summary>The contract of all encoders: what they do with the values that an application puts into a span.</summary>
public abstract class SpanEncoderContract
{
    public enum Colour
    {
        Red = 7,
    }

    /// <summary>Values whose text is known, in every encoding.</summary>
    public static TheoryData<object, string> Values => new()
    {
        { "text", "text" },
        { "", "" },
        { true, "true" },
        { false, "false" },
        { (sbyte)-1, "-1" },
        { (byte)255, "255" },
        { (short)-300, "-300" },
        { (ushort)65535, "65535" },
        { int.MinValue, "-2147483648" },
        { uint.MaxValue, "4294967295" },
        { long.MinValue, "-9223372036854775808" },
        { (ulong)long.MaxValue, "9223372036854775807" },
        { ulong.MaxValue, "18446744073709551615" },
        { (nint)(-5), "-5" },
        { Int128.MaxValue, "170141183460469231731687303715884105727" },
        { BigInteger.Pow(2, 100), "1267650600228229401496703205376" },
        { 1.5m, "1.5" },
        { 1.5, "1.5" },
        { 0.25f, "0.25" },
        { (Half)0.5, "0.5" },
        { double.NaN, "NaN" },
        { double.PositiveInfinity, "Infinity" },
        { double.NegativeInfinity, "-Infinity" },
        { 'x', "x" },
        { Colour.Red, "Red" },
        { Guid.Empty, "00000000-0000-0000-0000-000000000000" },
        { new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc), "2026-01-02T03:04:05.0000000Z" },
        { new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(1)), "2026-01-02T03:04:05.0000000+01:00" },
        { new DateOnly(2026, 1, 2), "2026-01-02" },
        { TimeSpan.FromSeconds(90), "00:01:30" },
        { new Uri("http://a/b"), "http://a/b" },
        { new Version(1, 2), "1.2" },
        { IPAddress.Loopback, "127.0.0.1" },
        { "a\"b\\c\n\t\u0001/", "a\"b\\c\n\t\u0001/" },
        { "é💩", "é💩" },
        { "lone \ud83d", "lone \ufffd" },
        { "\udca9 lone", "\ufffd lone" },
        { "a sentence that is longer than one vector, and ends in é", "a sentence that is longer than one vector, and ends in é" },
    };

    /// <summary>Values that a tag should not have, but may have.</summary>
    public static TheoryData<Func<object?>> Hostile => new()
    {
        () => null,
        () => new Throwing(),
        () => new ThrowingText(),
        () => new NullText(),
        () => Enumerable.Range(0, int.MaxValue),
        () => Itself(),
        () => MapOfItself(),
        () => new object?[] { null, new object?[] { null } },
        () => new Dictionary<string, int> { ["a"] = 1 },
        () => new Dictionary<object, object?> { [new ThrowingText()] = 1 },
        () => new Hashtable { [1] = null },
        () => new KeyValuePair<string, object?>[] { new("a", 1), new(null!, 2) },
        () => Enumerable.Repeat(1, 3).AsQueryable(),
        () => new ReadOnlyMemory<byte>([1, 2, 3]),
        () => new sbyte[] { -1 },
        () => new Colour[] { Colour.Red, (Colour)9 },
        () => new int[,] { { 1, 2 }, { 3, 4 } },
        () => typeof(string),
        () => (Action)(() => { }),
        () => System.Threading.Tasks.Task.CompletedTask,
    };

    internal abstract SpanEncoder Encoder(SpanLimits limits);

    /// <summary>The attributes as text, by key; null for an empty value.</summary>
    internal abstract IReadOnlyList<KeyValuePair<string, string?>> Attributes(byte[] span);

    [Theory]
    [MemberData(nameof(Values), DisableDiscoveryEnumeration = true)]
    public void Encode_Value_HasItsText(object value, string text) => Assert.Equal(text, Value(value));

    /// <summary>What a reader finds of U+2028.</summary>
    protected virtual string LineSeparator => "\u2028";

    [Fact]
    public void Encode_LineSeparatorInAValue_IsWhatTheReceiverCanBear() => Assert.Equal("é💩" + LineSeparator, Value("é💩\u2028"));

    [Theory]
    [MemberData(nameof(Hostile), DisableDiscoveryEnumeration = true)]
    public void Encode_HostileValue_KeepsTheTagsAround(Func<object?> value)
    {
        var attributes = Encode(TestSpan.Make(activity => activity.AddTag("first", 1).AddTag("hostile", value()).AddTag("last", 2)));
        Assert.Equal("1", attributes.First(attribute => attribute.Key == "first").Value);
        Assert.Equal("2", attributes.Last(attribute => attribute.Key == "last").Value);
    }

    [Fact]
    public void Encode_ThrowingToString_LosesThatTagOnly()
    {
        var attributes = Encode(TestSpan.Make(activity => activity.AddTag("a", 1).AddTag("bad", new ThrowingText()).AddTag("b", 2)));
        Assert.DoesNotContain(attributes, attribute => attribute.Key == "bad");
    }

    [Fact]
    public void Encode_ToStringThatEndsASpan_KeepsBoth()
    {
        var encoder = Encoder(new SpanLimits());
        var nested = Array.Empty<byte>();
        var activity = TestSpan.With("nesting", new Nesting(() => nested = Encoded.Bytes(encoder, TestSpan.With("inner", "1"))));
        Assert.Equal("nested", Assert.Single(Attributes(Encoded.Bytes(encoder, activity)), attribute => attribute.Key == "nesting").Value);
        Assert.Equal("1", Assert.Single(Attributes(nested), attribute => attribute.Key == "inner").Value);
    }

    [Fact]
    public void Encode_DuplicateKey_LastWins()
    {
        var attributes = Encode(TestSpan.Make(activity => activity.AddTag("a", 1).AddTag("b", 2).AddTag("a", 3)));
        Assert.Equal("3", Assert.Single(attributes, attribute => attribute.Key == "a").Value);
    }

    [Fact]
    public void Encode_KeysThatLookAlike_AllKept()
    {
        string[] keys = ["error.type", "url.scheme", "http.route", "a", "b", "ab", "ba", "aab", "bab", "aba", ""];
        var attributes = Encode(TestSpan.Make(activity =>
        {
            foreach (var key in keys) activity.AddTag(key, key.Length);
        }));
        Assert.Equal(keys, attributes.Select(attribute => attribute.Key).Where(key => !key.StartsWith("otel.", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("a b c")]
    [InlineData("c b a")]
    [InlineData("a c b")]
    [InlineData("b a d a2")]
    [InlineData("error.type a error.type2")]
    public void Encode_KeysInAnotherOrderThanBefore_AreTheirOwn(string order)
    {
        var encoder = Encoder(new SpanLimits());
        foreach (var keys in new[] { "a b c d", "b c a", order, "a b c d", order })
        {
            // New strings each time: a key is identified by its text.
            var activity = TestSpan.Make(activity =>
            {
                foreach (var key in keys.Split(' ')) activity.AddTag(key, $"value of {key}");
            });
            Assert.Equal(
                keys.Split(' ').Select(key => (key, (string?)$"value of {key}")),
                Attributes(Encoded.Bytes(encoder, activity))
                    .Where(attribute => !attribute.Key.StartsWith("otel.", StringComparison.Ordinal))
                    .Select(attribute => (attribute.Key, attribute.Value)));
        }
    }

    [Fact]
    public void Encode_DuplicateKeyAmongMany_LastWins()
    {
        // More keys than a KeySet has bits.
        var attributes = Encode(TestSpan.Make(activity =>
        {
            for (var i = 0; i < 100; i++) activity.AddTag($"k{i}", i);
            activity.AddTag("k70", "last");
        }));
        Assert.Equal(100, attributes.Count(attribute => attribute.Key.StartsWith('k')));
        Assert.Equal("last", Assert.Single(attributes, attribute => attribute.Key == "k70").Value);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(24)]
    [InlineData(25)]
    [InlineData(31)]
    [InlineData(33)]
    public void Encode_OneCharacterThatIsNotPlain_IsFoundInEveryPlace(int length)
    {
        var plain = new string([.. Enumerable.Range(0, length).Select(i => (char)('a' + (i % 26)))]);
        Assert.Equal(plain, Value(plain));
        foreach (var odd in new[] { '"', '\\', '\n', '\u007f', '\u0080', 'é', '\u8061', '\uff41' })
        {
            for (var i = 0; i < length; i++)
            {
                var text = string.Concat(plain.AsSpan(0, i), [odd], plain.AsSpan(i + 1));
                Assert.Equal(text, Value(text));
            }
        }
    }

    [Fact]
    public void Encode_TooManyTags_KeepsTheFirst()
    {
        var attributes = Encode(
            TestSpan.Make(activity =>
            {
                for (var i = 0; i < 200; i++) activity.AddTag($"k{i}", i);
            }),
            new SpanLimits());
        Assert.Equal(
            Enumerable.Range(0, 128).Select(i => $"k{i}"),
            attributes.Select(attribute => attribute.Key).Where(key => key.StartsWith('k')));
    }

    [Fact]
    public void Encode_RemovedNames_AreLeftOut()
    {
        var attributes = Encode(
            TestSpan.Make(activity => activity.AddTag("a", 1).AddTag("secret", "x").AddTag("app.user", "x").AddTag("app", 2).AddTag("secrets", 3).AddTag("Secret", 4)),
            Without("secret", "app.*"));
        Assert.Equal(["a", "app", "secrets", "Secret"], attributes.Select(attribute => attribute.Key).Where(IsOwn));
    }

    [Fact]
    public void Encode_RemovedNameAgainAndAgain_IsLeftOut()
    {
        var encoder = Encoder(Without("b"));
        for (var i = 0; i < 3; i++)
        {
            var attributes = Attributes(Encoded.Bytes(encoder, TestSpan.Make(activity => activity.AddTag("a", 1).AddTag("b", "x").AddTag("c", 3))));
            Assert.Equal(["a", "c"], attributes.Select(attribute => attribute.Key).Where(IsOwn));
        }
    }

    [Fact]
    public void Encode_RemovedNameThatRepeats_IsLeftOut()
    {
        var attributes = Encode(TestSpan.Make(activity => activity.AddTag("a", 1).AddTag("b", "x").AddTag("b", "y").AddTag("a", 2)), Without("b"));
        Assert.Equal("2", Assert.Single(attributes, attribute => IsOwn(attribute.Key)).Value);
    }

    [Fact]
    public void Encode_RemovedNames_LeaveTheirPlaceInTheLimit()
    {
        var attributes = Encode(
            TestSpan.Make(activity => activity.AddTag("b", "x").AddTag("a", 1).AddTag("c", 2).AddTag("d", 3).AddTag("b2", "x")), Without("b", "b2") with { Attributes = 2 });
        Assert.Equal(["a", "c"], attributes.Select(attribute => attribute.Key).Where(IsOwn));
    }

    [Theory]
    [InlineData(20)]
    [InlineData(300)]
    public void Encode_RemovedNameAfterThousandsOfOthers_IsLeftOut(int length)
    {
        var encoder = Encoder(Without("secret*"));
        for (var i = 0; i < 3000; i++) Encoded.Bytes(encoder, TestSpan.With($"key.{i}", i));
        var attributes = Attributes(Encoded.Bytes(encoder, TestSpan.Make(activity => activity.AddTag("a", 1).AddTag("secret".PadRight(length, 's'), "x").AddTag("b", 2))));
        Assert.Equal(["a", "b"], attributes.Select(attribute => attribute.Key).Where(IsOwn));
    }

    [Fact]
    public void Encode_RemovedNameInEventsAndLinks_IsInNoByte()
    {
        var linked = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.None);
        var bytes = Encoded.Bytes(Encoder(Without("secret*")), TestSpan.Make(
            activity => activity
                .AddEvent(new("only", tags: new() { ["secret.a"] = "hidden" }))
                .AddEvent(new("some", tags: new() { ["secret.b"] = "hidden", ["kept"] = "shown", ["secret.c"] = "hidden" })),
            links: [new ActivityLink(linked, new() { ["secret.d"] = "hidden" })]));
        var text = System.Text.Encoding.UTF8.GetString(bytes);
        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", text, StringComparison.Ordinal);
        Assert.Contains("shown", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Encode_HookHasChangedAttributes_WritesWhatItLeft()
    {
        var activity = TestSpan.Make(activity => activity.AddTag("a", 1).AddTag("b", "x").AddTag("c", 3).AddTag("d", 4));
        var attributes = EncodeAfter(activity, span =>
        {
            span["a"] = "one";
            span.Remove("b");
            span.Rename("c", "renamed");
            span["new"] = true;
        });
        Assert.Equal(["a=one", "renamed=3", "d=4", "new=true"], attributes.Where(attribute => IsOwn(attribute.Key)).Select(attribute => $"{attribute.Key}={attribute.Value}"));
    }

    [Fact]
    public void Encode_HookHasChangedAttributes_ActivityStaysAsItWas()
    {
        var activity = TestSpan.Make(activity => activity.AddTag("a", 1).AddTag("b", "x"));
        EncodeAfter(activity, span =>
        {
            span["a"] = "one";
            span.Remove("b");
            span.Name = "other";
            span.SetStatus(ActivityStatusCode.Error, "no");
        });
        Assert.Equal([new("a", 1), new("b", "x")], activity.TagObjects);
        Assert.Equal(("GET /", ActivityStatusCode.Unset), (activity.DisplayName, activity.Status));
    }

    [Fact]
    public void Encode_HookHasReadOnly_WritesWhatItWouldWithout()
    {
        var encoder = Encoder(new SpanLimits());
        var activity = TestSpan.Make(activity => activity.AddTag("a", 1).AddTag("b", "x").AddTag("a", 2).AddTag("otel.status_code", "ERROR").AddTag("error", "tag").AddTag("null", null)
            .AddTag("server.address", "shop").AddTag("server.port", 80).AddTag("network.peer.address", "10.0.0.1").AddTag("network.peer.port", 81), ActivityKind.Client);
        Assert.Equal(Encoded.Bytes(encoder, activity), Bytes(encoder, activity, span => Assert.Equal(2, span["a"])));
    }

    [Fact]
    public void Encode_HookHasChangedNameAndStatus_WritesThem()
    {
        var encoder = Encoder(new SpanLimits());
        var expected = Encoded.Bytes(encoder, TestSpan.Make(activity => activity.AddTag("a", 1).SetStatus(ActivityStatusCode.Error, "no"), name: "other"));
        Assert.Equal(expected, Bytes(encoder, TestSpan.Make(activity => activity.AddTag("a", 1)), span =>
        {
            span.Name = "other";
            span.SetStatus(ActivityStatusCode.Error, "no");
        }));
    }

    [Fact]
    public void Encode_HookSetsARemovedName_IsLeftOut()
    {
        var attributes = Attributes(Bytes(Encoder(Without("secret")), TestSpan.With("a", 1), span =>
        {
            span["secret"] = "x";
            span["b"] = "2";
        }));
        Assert.Equal(["a", "b"], attributes.Select(attribute => attribute.Key).Where(IsOwn));
    }

    private static bool IsOwn(string key) => !key.StartsWith("otel.", StringComparison.Ordinal);

    private static SpanLimits Without(params string[] names) => new(Removed: new RemovedAttributes(names));

    private IReadOnlyList<KeyValuePair<string, string?>> EncodeAfter(Activity activity, Action<EndedSpan> hook) => Attributes(Bytes(Encoder(new SpanLimits()), activity, hook));

    private static byte[] Bytes(SpanEncoder encoder, Activity activity, Action<EndedSpan> hook)
    {
        var content = SpanContent.Take(activity, TestSpan.Facts);
        hook(new EndedSpan(content));
        var bytes = Encoded.Bytes(encoder, activity, TestSpan.Facts with { Content = content });
        content.Return();
        return bytes;
    }

    [Fact]
    public void Encode_LateDuplicateBeyondTheLimit_StillReplaces()
    {
        var attributes = Encode(
            TestSpan.Make(activity => activity.AddTag("a", 1).AddTag("b", 2).AddTag("c", 3).AddTag("a", 4)),
            new SpanLimits(Attributes: 2));
        Assert.Equal("4", Assert.Single(attributes, attribute => attribute.Key == "a").Value);
        Assert.DoesNotContain(attributes, attribute => attribute.Key == "c");
    }

    [Theory]
    [InlineData("abcdef", 3, "abc")]
    [InlineData("ab💩", 3, "ab")]
    [InlineData("ab💩", 4, "ab💩")]
    [InlineData("abc", 0, "")]
    public void Encode_ValueOverItsLength_IsCutBetweenCharacters(string value, int limit, string kept) =>
        Assert.Equal(kept, Encode(TestSpan.With("k", value), new SpanLimits(ValueLength: limit)).First(attribute => attribute.Key == "k").Value);

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(20_000)]
    [InlineData(100_000)]
    public void Encode_LongText_IsWhole(int length)
    {
        var ascii = new string('x', length);
        var wide = new string('é', length);
        var attributes = Encode(TestSpan.Make(activity => activity.AddTag(ascii, "key").AddTag("ascii", ascii).AddTag("wide", wide)));
        Assert.Equal("key", attributes.First(attribute => attribute.Key == ascii).Value);
        Assert.Equal(ascii, attributes.First(attribute => attribute.Key == "ascii").Value);
        Assert.Equal(wide, attributes.First(attribute => attribute.Key == "wide").Value);
    }

    [Fact]
    public void Encode_SpanOfMoreThanFourMebibytes_IsRefused() =>
        Assert.Throws<SpanTooLargeException>(() => Encode(TestSpan.Make(activity =>
        {
            for (var i = 0; i < 20; i++) activity.AddTag($"k{i}", new string('x', 1024 * 1024));
        })));

    [Fact]
    public void Encode_StatusError_IsAnError() => Assert.True(IsError(activity => activity.SetStatus(ActivityStatusCode.Error, "why")));

    [Fact]
    public void Encode_StatusTag_IsAnError() => Assert.True(IsError(activity => activity.SetTag("otel.status_code", "ERROR")));

    [Fact]
    public void Encode_StatusOkAndErrorTag_IsNoError() =>
        Assert.False(IsError(activity => activity.SetTag("otel.status_code", "ERROR").SetStatus(ActivityStatusCode.Ok)));

    private bool IsError(Action<Activity> build)
    {
        var encoder = Encoder(new SpanLimits());
        var activity = TestSpan.Make(build);
        var writer = new ByteWriter(new Scratch(), SpanEncoder.MaxSpanBytes);
        return encoder.Encode(activity, TestSpan.Facts, encoder.Scopes.Get(activity.Source), ref writer);
    }

    /// <summary>Pairs of values of one key. An encoder that remembers the first must not take the second for it.</summary>
    public static TheoryData<object, object> LookAlikes => new()
    {
        { "text", "next" },
        { "text", new string("text") },
        { "7777777", 7 },
        { 7, "7777777" },
        { 7, 7 },
        { 7, 11 },
        { 7, 7L },
        { 7, "text" },
        { true, "true" },
        { "true", true },
        { "", 0 },
        { 0, "" },
    };

    [Theory]
    [MemberData(nameof(LookAlikes))]
    public void Encode_ValuesOfOneKeyInTurn_EachIsItself(object first, object second)
    {
        var encoder = Encoder(new SpanLimits());
        foreach (var value in (object[])[first, second, first, second, first])
        {
            var attributes = Attributes(Encoded.Bytes(encoder, TestSpan.With("k", value)));
            Assert.Equal(Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture), Assert.Single(attributes, attribute => attribute.Key == "k").Value, ignoreCase: value is bool);
        }
    }

    [Fact]
    public void Encode_TagOnTheSpanAndOnItsEvent_IsTheSameEachTime()
    {
        var encoder = Encoder(new SpanLimits());
        byte[] Encode() => Encoded.Bytes(encoder, TestSpan.Make(activity => activity
            .SetTag("k", "v")
            .AddEvent(new ActivityEvent("e", TestSpan.Start, new ActivityTagsCollection { ["k"] = "v" }))));

        var first = Encode();
        Assert.Equal(first, Encode());
        Assert.Equal(first, Encoded.Bytes(Encoder(new SpanLimits()), TestSpan.Make(activity => activity
            .SetTag("k", "v")
            .AddEvent(new ActivityEvent("e", TestSpan.Start, new ActivityTagsCollection { ["k"] = "v" })))));
    }

    private protected string? Value(object? value) => Assert.Single(Encode(TestSpan.With("k", value)), attribute => attribute.Key == "k").Value;

    private IReadOnlyList<KeyValuePair<string, string?>> Encode(Activity activity, SpanLimits? limits = null) =>
        Attributes(Encoded.Bytes(Encoder(limits ?? new SpanLimits()), activity));

    private static List<object> Itself()
    {
        var list = new List<object>();
        list.Add(list);
        return list;
    }

    private static Dictionary<string, object?> MapOfItself()
    {
        var map = new Dictionary<string, object?>();
        map["self"] = map;
        return map;
    }

    private sealed class ThrowingText
    {
        public override string ToString() => throw new InvalidOperationException();
    }

    private sealed class NullText
    {
        public override string? ToString() => null;
    }

    private sealed class Nesting(Action action)
    {
        public override string ToString()
        {
            action();
            return "nested";
        }
    }
}
