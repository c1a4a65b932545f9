namespace Lifecycle.Contracts;

/// <summary>
/// The places where a crash matters, by name. A test arms one by creating a file of that name in the folder that
/// <c>FaultPoints:Directory</c> names; the first process that comes by takes it and does what the file says.
/// </summary>
public enum FaultPoint
{
    UploadMidBody,
    UploadBeforeCompleteObject,
    UploadAfterCompleteObject,

    /// <summary>A session's part is in the store, and not yet in the database.</summary>
    SessionPartStored,

    /// <summary>A tus upload's tail is in the store, and not yet in the database.</summary>
    TusTailStored,

    /// <summary>All partial uploads are copied, and the final one is not yet committed.</summary>
    TusConcatenated,
    OutboxAfterPublish,
    TaskPlan,
    TaskChunk,
    TaskAudio,
    TaskFinalize,
    TaskBeforeCommit,
    TaskAfterCommit,
    WebhookBeforeSend,
    WebhookAfterSend,

    /// <summary>A chunk's acceptors are fixed, and none has been asked.</summary>
    ChunkGroupFixed,

    /// <summary>A majority has accepted, and nothing is recorded.</summary>
    ChunkChosen,

    /// <summary>It is recorded, and the writer not yet told.</summary>
    ChunkRecorded,

    /// <summary>A chunk's new copies are stored, and its placement is the old one.</summary>
    ChunkCopied,

    /// <summary>A live set's objects are in the store, and not yet listed.</summary>
    LiveBeforeCommit,

    /// <summary>A live set is listed.</summary>
    LiveAfterCommit,

    /// <summary>A broadcast's source is in the store, and not yet a video.</summary>
    LiveRecordingStored,

    /// <summary>POST /streams: everything is written, and nothing is committed.</summary>
    StreamRequestBeforeCommit,

    /// <summary>The stream is accepted, and its client does not know.</summary>
    StreamRequestAfterCommit,

    /// <summary>PUT /streams, as above.</summary>
    StreamUpdateBeforeCommit,

    StreamUpdateAfterCommit,

    /// <summary>A step of a stream's workflow has done its work, and nothing is committed; armed with the state's name behind it.</summary>
    StreamStepBeforeCommit,

    /// <summary>The workflow is in its next state, and nobody has looked at it there.</summary>
    StreamStepAfterCommit,

    /// <summary>An object of an edge copy is placed, and others are not.</summary>
    EdgeObjectPlaced,

    /// <summary>A video that the chunk store has deleted is deleted here, and the chunk store does not know.</summary>
    DeletionTaken,
}
