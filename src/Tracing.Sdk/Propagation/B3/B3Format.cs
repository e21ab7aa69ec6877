namespace Tracing.Sdk.Propagation.B3;

/// <summary>The form in which B3 is written. Unless it is <see cref="None"/>, both forms are read.</summary>
internal enum B3Format
{
    /// <summary>B3 is neither read nor written.</summary>
    None = 0,

    /// <summary>One <c>b3</c> header. Envoy before 1.40 forwards it unchanged beside its own <c>X-B3-*</c>.</summary>
    SingleHeader,

    /// <summary>The <c>X-B3-*</c> headers, which every Envoy reads and refreshes.</summary>
    MultiHeader,
}
