using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tracing.Sdk.Recording;

/// <summary>The exported content of a span, as <c>Export.BeforeExport</c> reads and changes it: name, status and attributes, first as they were recorded, then as the hook leaves them.</summary>
/// <remarks>Kept by its thread and used again. An <see cref="EndedSpan"/>, through which the hook gets it, cannot be stored.</remarks>
internal sealed class SpanContent
{
    private const int InitialSize = 32;

    // A larger array is released after the span that needed it.
    private const int MaxKeptSize = 1024;

    [ThreadStatic]
    private static SpanContent? t_content;

    private bool _isTaken;
    private Activity? _activity;
    private SpanDetails? _details;

    // A removed attribute leaves its place, with a key of null, so that a hook can remove attributes while it enumerates them. Of several with one key the last counts.
    private KeyValuePair<string, object?>[] _attributes = new KeyValuePair<string, object?>[InitialSize];
    private int _count;

    public Activity Activity => _activity!;
    public string Name { get; set; } = "";
    public ActivityStatusCode Status { get; set; }
    public string? StatusDescription { get; set; }
    public bool HasRemoteParent { get; private set; }
    public bool IsDropped { get; set; }

    /// <summary>Whether the hook has used the attributes: they are then exported from here, and otherwise from the activity and its details.</summary>
    public bool HasAttributes { get; private set; }

    /// <summary>The number of attributes, and of places of removed ones.</summary>
    public int Places
    {
        get
        {
            Load();
            return _count;
        }
    }

    /// <summary>The attribute at a place. Its key is null when it was removed.</summary>
    public ref readonly KeyValuePair<string, object?> this[int place] => ref _attributes[place];

    /// <summary>Returns the thread's content, or a new one while that is in use: code of the application that runs for one span may end another.</summary>
    public static SpanContent Take(Activity activity, in SpanMetadata metadata)
    {
        var content = t_content ??= new SpanContent();
        if (content._isTaken) content = new SpanContent();
        content._isTaken = true;
        (content._activity, content._details) = (activity, metadata.Details);
        (content.Name, content.Status, content.StatusDescription) = (activity.DisplayName, activity.Status, activity.StatusDescription);
        (content.HasRemoteParent, content.IsDropped, content.HasAttributes) = (metadata.ParentIsRemote, false, false);
        return content;
    }

    /// <summary>Keeps nothing of the span.</summary>
    public void Return()
    {
        (_activity, _details, StatusDescription) = (null, null, null);
        if (_attributes.Length > MaxKeptSize) _attributes = new KeyValuePair<string, object?>[InitialSize];
        else Array.Clear(_attributes, 0, _count);
        _count = 0;
        _isTaken = false;
    }

    public object? Get(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        Load();
        var place = Find(key, _count);
        return place < 0 ? null : _attributes[place].Value;
    }

    /// <summary>Sets an attribute, or removes it when the value is null.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Set(string key, object? value)
    {
        ArgumentNullException.ThrowIfNull(key);
        Load();
        var place = Find(key, _count);
        if (place < 0)
        {
            if (value is not null) Add(key, value);
            return false;
        }

        _attributes[place] = value is null ? default : new(key, value);
        // An activity may have several tags with one key.
        while ((place = Find(key, place)) >= 0) _attributes[place] = default;
        return true;
    }

    public bool Rename(string from, string to)
    {
        ArgumentNullException.ThrowIfNull(to);
        if (Get(from) is not { } value) return false;
        if (from == to) return true;
        Set(to, null);
        Set(from, value);
        _attributes[Find(from, _count)] = new(to, value);
        return true;
    }

    // The last place before an end.
    private int Find(string key, int end)
    {
        while (--end >= 0)
        {
            if (_attributes[end].Key == key) return end;
        }

        return -1;
    }

    private void Load()
    {
        if (HasAttributes) return;
        HasAttributes = true;
        var details = LoadDetails();
        foreach (ref readonly var tag in Activity.EnumerateTagObjects())
        {
            var key = tag.Key ?? "";
            var place = Find(key, details);
            if (place >= 0) _attributes[place] = new(key, tag.Value);
            else Add(key, tag.Value);
        }
    }

    private int LoadDetails()
    {
        if (_details is not { } details) return 0;
        var values = default(Values);
        details.CopyTo(values);
        var keys = details.Keys;
        for (var i = 0; i < keys.Length; i++)
        {
            if (values[i] is { } value) Add(keys[i], value);
        }

        return _count;
    }

    private void Add(string key, object? value)
    {
        if (_count == _attributes.Length) Array.Resize(ref _attributes, 2 * _count);
        _attributes[_count++] = new(key, value);
    }

    [InlineArray(SpanDetails.MaxCount)]
    private struct Values
    {
        private object? _first;
    }
}
