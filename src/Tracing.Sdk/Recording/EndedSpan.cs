using System.Diagnostics;

namespace Tracing.Sdk;

/// <summary>A span that has ended and is about to be exported, as <c>Export.BeforeExport</c> sees it. It is valid during that call only.</summary>
public abstract class EndedSpan
{
    internal EndedSpan() { }

    /// <summary>The activity: kind, status, events, links and times are read from it.</summary>
    public abstract Activity Activity { get; }
}
