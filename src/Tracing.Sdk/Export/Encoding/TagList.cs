using System.Diagnostics;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>The tags of a span, an event or a link, as an encoder reads them.</summary>
internal interface ITagList
{
    ref readonly KeyValuePair<string, object?> Current { get; }

    bool MoveNext();
}

/// <summary>Tags as the platform holds them.</summary>
internal struct ActivityTags(Activity.Enumerator<KeyValuePair<string, object?>> tags) : ITagList
{
    private Activity.Enumerator<KeyValuePair<string, object?>> _tags = tags;

    public readonly ref readonly KeyValuePair<string, object?> Current => ref _tags.Current;

    public bool MoveNext() => _tags.MoveNext();
}

/// <summary>The attributes that a hook has left on a span.</summary>
internal struct ContentTags(SpanContent content) : ITagList
{
    private readonly int _end = content.Places;
    private int _place = -1;

    public readonly ref readonly KeyValuePair<string, object?> Current => ref content[_place];

    public bool MoveNext()
    {
        while (++_place < _end)
        {
            if (content[_place].Key is not null) return true;
        }

        return false;
    }
}
