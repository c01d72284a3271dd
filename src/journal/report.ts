/** What became of one journalled change when it was to be undone. */
export interface UndoneStep {
  readonly id: string;
  readonly what: string;
  readonly subject?: string;
  readonly outcome:
    | /** Put back and looked at. */ 'undone'
    | /** It had not been made, or was as before already. */ 'nothing'
    | /** A reboot undid it. */ 'obsolete'
    | /** It stays, as was asked for or as it must. */ 'left'
    | /** Tried in vain, or not tried: `why` tells. */ 'failed';
  readonly why?: string;
}

/** The newest change first, as they were undone. */
export interface UndoReport {
  /** Nothing failed. */
  readonly ok: boolean;
  readonly steps: readonly UndoneStep[];
}
