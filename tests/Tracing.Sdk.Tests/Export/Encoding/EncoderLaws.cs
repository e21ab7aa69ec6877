using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using FsCheck.Xunit;
using Tracing.Sdk.Tests.Otlp;

namespace Tracing.Sdk.Tests.Export.Encoding;

/// <summary>Properties of every span: a reader finds the values that the application has set.</summary>
public sealed class EncoderLaws
{
    [Property(MaxTest = 1_000)]
    public void Otlp_AnyTags_AreReadByTheOracle(int seed)
    {
        var tags = Tags(new Random(seed));
        var span = Encoded.Otlp(TestSpan.Make(activity => SetAll(activity, tags)));

        Assert.Equal(Expected(tags), span.Attributes.ToDictionary(a => a.Key, a => Text(a.Value)));
    }

    [Property(MaxTest = 1_000)]
    public void OtlpJson_AnyTags_AreReadAsJson(int seed)
    {
        var tags = Tags(new Random(seed));
        var attributes = JsonNode.Parse(Encoded.OtlpJson(TestSpan.Make(activity => SetAll(activity, tags))))!["attributes"]?.AsArray() ?? [];

        Assert.Equal(Expected(tags), attributes.ToDictionary(a => a!["key"]!.GetValue<string>(), a => Text(a!["value"]!.AsObject())));
    }

    [Property(MaxTest = 1_000)]
    public void Zipkin_AnyTags_AreReadAsJson(int seed)
    {
        var tags = Tags(new Random(seed));
        var read = JsonNode.Parse(Encoded.Zipkin(TestSpan.Make(activity => SetAll(activity, tags))))!["tags"]!.AsObject();

        Assert.Equal(
            Expected(tags),
            read.Where(t => !t.Key.StartsWith("otel.", StringComparison.Ordinal)).ToDictionary(t => t.Key, t => (string?)t.Value!.GetValue<string>()));
    }

    [Property(MaxTest = 1_000)]
    public void Otlp_AnyTextAsName_ComesBackWellFormed(string? name)
    {
        if (string.IsNullOrEmpty(name)) return;
        Assert.Equal(WellFormed(name), Encoded.Otlp(TestSpan.Make(activity => activity.DisplayName = name)).Name);
    }

    [Property(MaxTest = 1_000)]
    public void Zipkin_AnyTextAsName_ComesBackWellFormed(string? name)
    {
        if (string.IsNullOrEmpty(name)) return;
        var json = JsonNode.Parse(Encoded.Zipkin(TestSpan.Make(activity => activity.DisplayName = name)))!;
        Assert.Equal(WellFormed(name), json["name"]!.GetValue<string>());
    }

    private static void SetAll(Activity activity, List<(string Key, object Value)> tags)
    {
        foreach (var (key, value) in tags) activity.AddTag(key, value);
    }

    // Few keys, so that some repeat; lengths around those at which the encoders take another path.
    private static List<(string Key, object Value)> Tags(Random random)
    {
        var tags = new List<(string, object)>();
        for (var i = random.Next(12); i > 0; i--) tags.Add((WellFormed($"key{Text(random, 2)}{random.Next(6)}"), Value(random)));
        return tags;
    }

    private static object Value(Random random) => random.Next(6) switch
    {
        0 => random.Next(2) == 0,
        1 => random.Next(-3, 300),
        2 => random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64),
        3 => (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-20, 20)),
        _ => Text(random, random.Next(4) == 0 ? 200 : 20),
    };

    private static string Text(Random random, int longest)
    {
        // Mostly letters; some characters need an escape, take several bytes, or are half of a surrogate pair.
        const string Odd = "\"\\\n\t\0\u001f/\u007f\u00e9\u20ac\ud83e\udd8a\ud800\udc00";
        var text = new char[random.Next(longest + 1)];
        var oddness = random.Next(3) == 0 ? 3 : 1_000;
        for (var i = 0; i < text.Length; i++) text[i] = random.Next(oddness) == 0 ? Odd[random.Next(Odd.Length)] : (char)random.Next('a', 'z' + 1);
        return new string(text);
    }

    // Of several tags with one key the last counts.
    private static Dictionary<string, string?> Expected(List<(string Key, object Value)> tags)
    {
        var expected = new Dictionary<string, string?>();
        foreach (var group in tags.GroupBy(tag => tag.Key)) expected[group.Key] = TextOf(group.Last().Value);
        return expected;
    }

    private static string WellFormed(string text) => System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text));

    private static string? TextOf(object value) => value switch
    {
        bool b => b ? "true" : "false",
        int or long => Convert.ToInt64(value, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture),
        double d => d.ToString("R", CultureInfo.InvariantCulture),
        _ => WellFormed((string)value),
    };

    private static string? Text(AnyValue value) => value.ValueCase switch
    {
        AnyValue.ValueOneofCase.BoolValue => TextOf(value.BoolValue),
        AnyValue.ValueOneofCase.IntValue => TextOf(value.IntValue),
        AnyValue.ValueOneofCase.DoubleValue => TextOf(value.DoubleValue),
        AnyValue.ValueOneofCase.StringValue => value.StringValue,
        _ => null,
    };

    private static string? Text(JsonObject value)
    {
        var (kind, member) = Assert.Single(value);
        return kind switch
        {
            "boolValue" => TextOf(member!.GetValue<bool>()),
            "doubleValue" => TextOf(member!.GetValue<double>()),
            _ => member!.GetValue<string>(),
        };
    }
}
