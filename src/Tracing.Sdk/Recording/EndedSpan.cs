using System.Diagnostics;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk;

/// <summary>A span that has ended and is about to be exported, as <c>Export.BeforeExport</c> reads and changes it.</summary>
/// <remarks>Changes go to all exporters of this library, and not to the activity, which other listeners read as it was. Ids, times, events and links cannot be changed. A span is valid during the call
/// only, and the compiler refuses code that would keep it longer.</remarks>
public readonly ref struct EndedSpan
{
    private readonly SpanContent _content;

    internal EndedSpan(SpanContent content) => _content = content;

    /// <summary>The activity, for what cannot be changed: ids, source, times, events and links. A change of the activity during the call may be missing in the export.</summary>
    public Activity Activity => _content.Activity;

    /// <summary>Name of the span. An empty one stands for the activity's operation name.</summary>
    public string Name
    {
        get => _content.Name;
        set => _content.Name = value;
    }

    /// <summary>Kind of the span.</summary>
    public ActivityKind Kind => Activity.Kind;

    /// <summary>Time from start to end.</summary>
    public TimeSpan Duration => Activity.Duration;

    /// <summary>Whether the parent belongs to another process.</summary>
    public bool HasRemoteParent => _content.HasRemoteParent;

    /// <summary>Status of the span. Older instrumentation sets the attribute <c>otel.status_code</c> instead, which is not read here.</summary>
    public ActivityStatusCode Status => _content.Status;

    /// <summary>Description of an error.</summary>
    public string? StatusDescription => _content.StatusDescription;

    /// <summary>All attributes, including those of a server span that are not tags of its activity. They may be changed during the enumeration, which passes over added ones.</summary>
    public AttributeEnumerator Attributes => new(_content);

    /// <summary>Value of an attribute. Null when there is none; setting null removes it.</summary>
    /// <param name="key">Name of the attribute; letter case counts.</param>
    /// <exception cref="ArgumentNullException"><paramref name="key"/> is null.</exception>
    public object? this[string key]
    {
        get => _content.Get(key);
        set => _content.Set(key, value);
    }

    /// <summary>Removes an attribute.</summary>
    /// <param name="key">Name of the attribute; letter case counts.</param>
    /// <returns>False when there was none.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="key"/> is null.</exception>
    public bool Remove(string key) => _content.Set(key, null);

    /// <summary>Gives an attribute another name. An attribute that has that name is replaced.</summary>
    /// <param name="from">Name of the attribute; letter case counts.</param>
    /// <param name="to">The new name.</param>
    /// <returns>False when there was none.</returns>
    /// <exception cref="ArgumentNullException">A name is null.</exception>
    public bool Rename(string from, string to) => _content.Rename(from, to);

    /// <summary>Sets the status.</summary>
    /// <param name="code">The status.</param>
    /// <param name="description">Description of an error.</param>
    public void SetStatus(ActivityStatusCode code, string? description = null) => (_content.Status, _content.StatusDescription) = (code, description);

    /// <summary>Leaves the span out: no exporter gets it, and it is counted in <c>tracing.sdk.span.left_out</c>. Its children are exported, with a parent that no backend knows.</summary>
    public void Drop() => _content.IsDropped = true;

    /// <summary>Enumerates the attributes of a span, without allocations.</summary>
    public ref struct AttributeEnumerator
    {
        private readonly SpanContent _content;
        private readonly int _end;
        private int _place;

        internal AttributeEnumerator(SpanContent content) => (_content, _end, _place) = (content, content.Places, -1);

        /// <summary>The attribute at the current place.</summary>
        public readonly KeyValuePair<string, object?> Current => _content[_place];

        /// <summary>Moves to the next attribute.</summary>
        /// <returns>False behind the last one.</returns>
        public bool MoveNext()
        {
            while (++_place < _end)
            {
                if (_content[_place].Key is not null) return true;
            }

            return false;
        }

        /// <summary>Returns this enumerator, for <c>foreach</c>.</summary>
        /// <returns>This enumerator.</returns>
        public readonly AttributeEnumerator GetEnumerator() => this;
    }
}
