// Every listener of a process hears every library in it, so the tests run one after the other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
