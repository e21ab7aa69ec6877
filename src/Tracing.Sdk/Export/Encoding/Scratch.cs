namespace Tracing.Sdk.Export.Encoding;

/// <summary>A thread's buffer: a span is encoded in it before its bytes are copied into a block.</summary>
internal sealed class Scratch
{
    private const int InitialSize = 4 * 1024;

    // A larger buffer is released after the span that needed it.
    private const int MaxKeptSize = 64 * 1024;

    [ThreadStatic]
    private static Scratch? t_scratch;

    private bool _isTaken;

    public byte[] Bytes = new byte[InitialSize];

    /// <summary>Returns the thread's scratch, or a new one while that is in use: the <c>ToString()</c> of a tag's value may end another span.</summary>
    public static Scratch Take()
    {
        var scratch = t_scratch ??= new Scratch();
        if (scratch._isTaken) return new Scratch();
        scratch._isTaken = true;
        return scratch;
    }

    public void Return()
    {
        _isTaken = false;
        if (Bytes.Length > MaxKeptSize) Bytes = new byte[InitialSize];
    }
}
