using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>An instrumentation scope: name, version, schema and tags of an <see cref="ActivitySource"/>.</summary>
internal sealed class Scope(int index, string name, string? version, string? schemaUrl, KeyValuePair<string, object?>[] attributes, string key)
{
    /// <summary>The scope's number in its table, which blocks of spans hold.</summary>
    public int Index { get; } = index;
    public string Name { get; } = name;
    public string? Version { get; } = version;
    public string? SchemaUrl { get; } = schemaUrl;
    public IReadOnlyList<KeyValuePair<string, object?>> Attributes { get; } = attributes;

    /// <summary>The scope's bytes in the format of the table's encoder.</summary>
    public byte[]? Encoded { get; set; }

    public override string ToString() => key;

    /// <summary>The scopes that one encoder has met.</summary>
    /// <remarks>Two sources that are equal in name, version, schema and tags are one scope, however many instances there are. An application that creates sources without
    /// end fills the table; later sources get the scope without a name, which is legal.</remarks>
    public sealed class Table
    {
        private const int MaxScopes = 4096;
        private const int MaxFirst = 32;

        // The sources that were met first. They are searched before all others, because an application has a handful. Replaced as a whole, read without a lock.
        private (ActivitySource Source, Scope Scope)[] _first = [];
        private readonly ConditionalWeakTable<ActivitySource, Scope> _bySource = [];
        private readonly ConcurrentDictionary<string, Scope> _byKey = new(StringComparer.Ordinal);
        private readonly Func<Scope, byte[]> _encode;
        private readonly Lock _adding = new();
        private Scope[] _scopes = [];

        public Table(Func<Scope, byte[]> encode)
        {
            _encode = encode;
            Add("", null, null, [], "");
        }

        public Scope this[int index] => Volatile.Read(ref _scopes)[index];
        public int Count => Volatile.Read(ref _scopes).Length;

        public Scope Get(ActivitySource source)
        {
            foreach (ref readonly var first in Volatile.Read(ref _first).AsSpan())
            {
                if (ReferenceEquals(first.Source, source)) return first.Scope;
            }

            return _bySource.TryGetValue(source, out var scope) ? scope : Intern(source);
        }

        private Scope Intern(ActivitySource source)
        {
            KeyValuePair<string, object?>[] attributes = source.Tags?.ToArray() ?? [];
            var key = FormatKey(source, attributes);
            lock (_adding)
            {
                if (!_byKey.TryGetValue(key, out var scope))
                {
                    scope = _scopes.Length < MaxScopes ? Add(source.Name, source.Version, source.TelemetrySchemaUrl, attributes, key) : _scopes[0];
                }

                _bySource.AddOrUpdate(source, scope);
                if (_first.Length < MaxFirst) Volatile.Write(ref _first, [.. _first, (source, scope)]);
                return scope;
            }
        }

        private Scope Add(string name, string? version, string? schemaUrl, KeyValuePair<string, object?>[] attributes, string key)
        {
            var scope = new Scope(_scopes.Length, name, version, schemaUrl, attributes, key);
            scope.Encoded = _encode(scope);
            _byKey[key] = scope;
            Volatile.Write(ref _scopes, [.. _scopes, scope]);
            return scope;
        }

        // Each part is preceded by its length, so that no two scopes have the same key.
        private static string FormatKey(ActivitySource source, KeyValuePair<string, object?>[] attributes)
        {
            if (source.Name.Length == 0 && source.Version is null or "" && source.TelemetrySchemaUrl is null && attributes.Length == 0) return "";
            var key = new System.Text.StringBuilder();
            Append(key, source.Name);
            Append(key, source.Version);
            Append(key, source.TelemetrySchemaUrl);
            foreach (var (name, value) in attributes)
            {
                Append(key, name);
                Append(key, value?.GetType().FullName);
                Append(key, AttributeValue.Describe(value));
            }

            return key.ToString();

            static void Append(System.Text.StringBuilder key, string? part) => key.Append(part?.Length ?? -1).Append(':').Append(part);
        }
    }
}
