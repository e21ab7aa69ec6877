using System.Collections;
using System.Globalization;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>The kinds of values that formats can write. Any value of a tag becomes one of them.</summary>
internal enum AttributeKind : byte { Null, Text, Boolean, Integer, Double, Bytes, Array, Map }

/// <summary>The value of a tag, as one of the <see cref="AttributeKind"/>s.</summary>
internal readonly ref struct AttributeValue(AttributeKind kind, long integer = 0, double number = 0, object? reference = null)
{
    /// <summary>Arrays and maps nested deeper than this are written as null: a list may contain itself.</summary>
    public const int MaxDepth = 6;

    /// <summary>Elements of one array or map; a lazy sequence may have no end.</summary>
    public const int MaxElements = 1024;

    public AttributeKind Kind { get; } = kind;
    public long Integer { get; } = integer;
    public bool Boolean => Integer != 0;
    public double Double { get; } = number;
    private object? Reference { get; } = reference;
    public string Text => (string)Reference!;
    public byte[] Bytes => (byte[])Reference!;
    public IEnumerable Elements => (IEnumerable)Reference!;

    /// <summary>Returns the value with its kind. May throw what the value's own <c>ToString()</c> throws.</summary>
    public static AttributeValue Classify(object? value)
    {
        switch (value)
        {
            case null: return new(AttributeKind.Null);
            case string text: return Text(text);
            // An enum's name says more than its number.
            case Enum member: return Text(member.ToString());
            case bool b: return new(AttributeKind.Boolean, b ? 1 : 0);
            case int i: return new(AttributeKind.Integer, i);
            case long i: return new(AttributeKind.Integer, i);
            case double d: return new(AttributeKind.Double, number: d);
            case float d: return new(AttributeKind.Double, number: d);
            case Half d: return new(AttributeKind.Double, number: (double)d);
            case byte i: return new(AttributeKind.Integer, i);
            case sbyte i: return new(AttributeKind.Integer, i);
            case short i: return new(AttributeKind.Integer, i);
            case ushort i: return new(AttributeKind.Integer, i);
            case uint i: return new(AttributeKind.Integer, i);
            case ulong i when i <= long.MaxValue: return new(AttributeKind.Integer, (long)i);
            case char c: return Text(c.ToString());
            case DateTime time: return Text(time.ToString("O", CultureInfo.InvariantCulture));
            case DateTimeOffset time: return Text(time.ToString("O", CultureInfo.InvariantCulture));
            case DateOnly date: return Text(date.ToString("O", CultureInfo.InvariantCulture));
            case TimeOnly time: return Text(time.ToString("O", CultureInfo.InvariantCulture));
            case ReadOnlyMemory<byte> bytes: return new(AttributeKind.Bytes, reference: bytes.ToArray());
            case Memory<byte> bytes: return new(AttributeKind.Bytes, reference: bytes.ToArray());
            case ArraySegment<byte> bytes: return new(AttributeKind.Bytes, reference: bytes.ToArray());
            // By its exact type: to the runtime, and so to a pattern, sbyte[] is byte[] too.
            case Array array when array.GetType() == typeof(byte[]): return new(AttributeKind.Bytes, reference: array);
            case IDictionary or IEnumerable<KeyValuePair<string, object?>> or IEnumerable<KeyValuePair<string, string?>>:
                return new(AttributeKind.Map, reference: value);
            // Not a query, because enumerating it would run it.
            case IEnumerable elements and not IQueryable: return new(AttributeKind.Array, reference: elements);
            case IFormattable formattable: return Text(formattable.ToString(null, CultureInfo.InvariantCulture));
            default: return Text(value.ToString());
        }

        static AttributeValue Text(string? text) => text is null ? new(AttributeKind.Null) : new(AttributeKind.Text, reference: text);
    }

    /// <summary>Returns the entries of a map.</summary>
    public static IEnumerable<(string Key, object? Value)> Entries(IEnumerable map)
    {
        if (map is IDictionary dictionary)
        {
            // By its own enumerator: through IEnumerable a generic dictionary returns pairs of its own types.
            var entries = dictionary.GetEnumerator();
            while (entries.MoveNext()) yield return (FormatKey(entries.Key), entries.Value);
            yield break;
        }

        foreach (var element in map)
        {
            switch (element)
            {
                case KeyValuePair<string, object?> pair: yield return (pair.Key ?? "", pair.Value); break;
                case KeyValuePair<string, string?> pair: yield return (pair.Key ?? "", pair.Value); break;
            }
        }
    }

    /// <summary>Formats a value as text. Does not throw.</summary>
    public static string? Describe(object? value)
    {
        try
        {
            var sorted = Classify(value);
            return sorted.Kind switch
            {
                AttributeKind.Null => null,
                AttributeKind.Text => sorted.Text,
                AttributeKind.Boolean => sorted.Boolean ? "true" : "false",
                AttributeKind.Integer => sorted.Integer.ToString(CultureInfo.InvariantCulture),
                AttributeKind.Double => sorted.Double.ToString("R", CultureInfo.InvariantCulture),
                AttributeKind.Bytes => Convert.ToBase64String(sorted.Bytes),
                _ => value!.ToString(),
            };
        }
        catch (Exception)
        {
            // The value's own ToString() has thrown.
            return null;
        }
    }

    private static string FormatKey(object key) => key as string ?? Convert.ToString(key, CultureInfo.InvariantCulture) ?? "";
}
