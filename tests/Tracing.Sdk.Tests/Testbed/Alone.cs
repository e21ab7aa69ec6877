namespace Tracing.Sdk.Tests.Testbed;

/// <summary>For tests of what the whole process shares: spans outside of any request belong to every tracing that is live.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
