namespace Tracing.Sdk.Export.Encoding;

/// <summary>Names of attributes that are not exported; <c>*</c> at the end of one stands for any rest.</summary>
internal sealed class RemovedAttributes(IReadOnlyList<string> names)
{
    public bool Contains(string key)
    {
        foreach (var name in names)
        {
            if (name.EndsWith('*') ? key.AsSpan().StartsWith(name.AsSpan(..^1), StringComparison.Ordinal) : key == name) return true;
        }

        return false;
    }
}
