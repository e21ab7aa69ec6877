using System.Diagnostics;

namespace Tracing.Sdk.Recording;

/// <summary>The format of activity ids in this process.</summary>
internal static class ActivityIds
{
    /// <summary>Gives every activity W3C ids, also below an activity with hierarchical ids. Old applications set the hierarchical format for the whole process, and no collector accepts it.</summary>
    public static void UseW3C()
    {
        Activity.DefaultIdFormat = ActivityIdFormat.W3C;
        Activity.ForceDefaultIdFormat = true;
    }
}
