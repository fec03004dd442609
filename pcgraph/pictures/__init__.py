"""Pictures, films and hand-outs of a trace, drawn without a browser in the look of the stage (assets/)."""
