namespace DataService;

/// <summary>Remembers which requests have been seen once.</summary>
internal sealed class FirstCalls
{
    private const int Most = 1000;
    private readonly HashSet<string> _seenOnce = [];

    public bool IsFirst(string request)
    {
        lock (_seenOnce)
        {
            if (_seenOnce.Remove(request))
                return false;
            // The set is bounded, because some callers never try again.
            if (_seenOnce.Count == Most)
                _seenOnce.Clear();
            return _seenOnce.Add(request);
        }
    }
}
