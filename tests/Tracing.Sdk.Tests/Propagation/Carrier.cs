using System.Collections;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Tests.Propagation;

/// <summary>A message with header fields: in order, names in any case, one name as often as it likes. Remembers what it was asked for.</summary>
internal sealed class Carrier : IEnumerable<KeyValuePair<string, string>>
{
    private readonly List<KeyValuePair<string, string>> _fields = [];

    public Carrier()
    {
    }

    public Carrier(IEnumerable<KeyValuePair<string, string>> fields) => _fields.AddRange(fields);

    public static Func<Carrier, string, IEnumerable<string>?> Getter { get; } = static (carrier, name) => carrier.Read(name);

    public static Action<Carrier, string, string> Setter { get; } = static (carrier, name, value) => carrier.Write(name, value);

    public HashSet<string> Asked { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The only value of a name; null when there is none.</summary>
    public string? this[string name] => Values(name) is [var value] ? value : null;

    public void Add(string name, string value) => _fields.Add(new(name, value));

    public string[] Values(string name) =>
        [.. _fields.Where(f => f.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(f => f.Value)];

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => _fields.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal StringValues Read(string name)
    {
        Asked.Add(name);
        return Values(name);
    }

    internal void Write(string name, string value)
    {
        _fields.RemoveAll(f => f.Key.Equals(name, StringComparison.OrdinalIgnoreCase));
        _fields.Add(new(name, value));
    }
}

internal readonly struct CarrierReader(Carrier carrier) : IHeaderReader
{
    public StringValues Get(string name) => carrier.Read(name);
}

internal readonly struct CarrierWriter(Carrier carrier) : IHeaderWriter
{
    public void Set(string name, string value) => carrier.Write(name, value);
}
