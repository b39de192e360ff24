package transfer

func getOntoFullDisk() int { return 0 }
